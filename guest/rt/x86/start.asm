; SPDX-License-Identifier: Apache-2.0
; guest/rt/x86/start.asm: image header and first instructions of the service VM: 32-bit mode to C in long mode.
; The image is linked at 0 and runs anywhere below 4 GiB: 32-bit code adds distances to the base that it gets in EDI.

extern __rela_start
extern __rela_end
extern __image_end
extern rt_start
extern rt_trap
extern rt_secondary
global start_trap_table
global start_secondary

CR0_PE      equ 1 << 0
CR0_MP      equ 1 << 1
CR0_NE      equ 1 << 5
CR0_WP      equ 1 << 16
CR0_PG      equ 1 << 31
CR4_PAE     equ 1 << 5
MSR_EFER    equ 0xc0000080
EFER_LME    equ 1 << 8
EFER_NXE    equ 1 << 11
PAGE_P_W    equ 0x3
PAGE_PS     equ 0x80
CPUID_1G    equ 26                      ; CPUID 80000001 EDX
CPUID_NX    equ 20
R_RELATIVE  equ 8                       ; R_X86_64_RELATIVE
SEL_CODE    equ 0x08
SEL_DATA    equ 0x10
NPD         equ 4                       ; without 1 GiB pages: 2 MiB pages for the first 4 GiB

section .head progbits alloc exec nowrite align=4096
bits 32
header: db 'TRVSVC01'
        dd 1, 64
        dq __image_end - header
        dq entry - header
        dq 0, 0, 0, 0

; Distances from the cell itself: the only kind of 32-bit reference that an image without a fixed address can have.
off_stack: dd stack_top - off_stack
off_pml4:  dd pml4 - off_pml4
off_gdt:   dd gdt - off_gdt
off_long:  dd long_mode - off_long

%macro addr 2                           ; %1 = run-time address behind distance cell %2
        lea     %1, [edi + (%2 - header)]
        add     %1, [%1]
%endmacro

entry:  cli
        cld
        addr    esp, off_stack
        xor     ebp, ebp
        mov     eax, 0x80000001
        cpuid                           ; keeps EDI and ESI
        mov     ebp, edx

        addr    ebx, off_pml4           ; then PDPT, then NPD page directories
        lea     eax, [ebx + 4096 + PAGE_P_W]
        mov     [ebx], eax
        lea     edx, [ebx + 4096]       ; PDPT
        bt      ebp, CPUID_1G
        jnc     .small
        xor     ecx, ecx
.huge:  mov     eax, ecx
        shl     eax, 30
        or      eax, PAGE_P_W | PAGE_PS
        mov     [edx + ecx * 8], eax
        mov     eax, ecx
        shr     eax, 2
        mov     [edx + ecx * 8 + 4], eax
        inc     ecx
        cmp     ecx, 512
        jb      .huge
        jmp     .paging

.small: lea     eax, [ebx + 2 * 4096 + PAGE_P_W]
        xor     ecx, ecx
.pdpt:  mov     [edx + ecx * 8], eax
        add     eax, 4096
        inc     ecx
        cmp     ecx, NPD
        jb      .pdpt
        lea     edx, [ebx + 2 * 4096]
        xor     ecx, ecx
.pd:    mov     eax, ecx
        shl     eax, 21
        or      eax, PAGE_P_W | PAGE_PS
        mov     [edx + ecx * 8], eax
        inc     ecx
        cmp     ecx, NPD * 512
        jb      .pd

.paging:
        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     cr3, ebx
        mov     ecx, MSR_EFER
        mov     eax, EFER_LME
        bt      ebp, CPUID_NX
        jnc     .nonx
        or      eax, EFER_NXE
.nonx:  xor     edx, edx
        wrmsr
        mov     eax, CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE
        mov     cr0, eax

        addr    eax, off_gdt
        sub     esp, 8
        mov     word [esp], gdt_end - gdt - 1
        mov     [esp + 2], eax
        lgdt    [esp]
        add     esp, 8
        addr    eax, off_long
        push    dword SEL_CODE
        push    eax
        retf

bits 64
long_mode:
        mov     eax, SEL_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        mov     edi, edi                ; the upper halves are undefined after the switch
        mov     esi, esi
        lea     rsp, [rel stack_top]

        ; Every absolute address in the image gets the base added: *(base + r_offset) = base + r_addend.
        lea     rdx, [rel __rela_start]
        lea     rcx, [rel __rela_end]
.rela:  cmp     rdx, rcx
        jae     .relocated
        cmp     dword [rdx + 8], R_RELATIVE
        jne     .bad
        mov     rax, [rdx + 16]
        add     rax, rdi
        mov     rbx, [rdx]
        mov     [rdi + rbx], rax
        add     rdx, 24
        jmp     .rela
.bad:   ud2                             ; the link has made another kind: service.ld lets none through
.relocated:
        xor     ebp, ebp
        call    rt_start                ; (base, mailbox), does not return
        ud2

; Another CPU, in the state in which the first one started but for EDI: its struct rt_cpu, whose stack ends where the
; block does. The tables are those that the first CPU has made.
bits 32
RT_CPU_BLOCK equ 0x10000
START_CR3    equ 0                      ; of rt_cpu.start
START_NX     equ 8
start_secondary:
        cli
        cld
        lea     esp, [edi + RT_CPU_BLOCK]
        call    .here
.here:  pop     ebx                     ; the image may lie anywhere
        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     eax, [edi + START_CR3]
        mov     cr3, eax
        mov     ecx, MSR_EFER
        mov     eax, EFER_LME
        cmp     dword [edi + START_NX], 0
        je      .nonx
        or      eax, EFER_NXE
.nonx:  xor     edx, edx
        wrmsr
        mov     eax, CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE
        mov     cr0, eax
        lea     eax, [ebx + off_gdt - .here]
        add     eax, [eax]
        sub     esp, 8
        mov     word [esp], gdt_end - gdt - 1
        mov     [esp + 2], eax
        lgdt    [esp]
        add     esp, 8
        lea     eax, [ebx + .long - .here]
        push    dword SEL_CODE
        push    eax
        retf

bits 64
.long:  mov     eax, SEL_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        mov     edi, edi
        mov     esi, esi
        lea     rsp, [rdi + RT_CPU_BLOCK]
        xor     ebp, ebp
        call    rt_secondary            ; (struct rt_cpu, mailbox), does not return
        ud2

section .text
; One entry of 16 bytes for each exception. All end in rt_trap with a uniform frame.
%macro trap 2
        align   16
%if %2 == 0
        push    qword 0                 ; the CPU pushes no error code
%endif
        push    qword %1
        jmp     trap_common
%endmacro

align 16
start_trap_table:
%assign v 0
%rep 32
%if v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 || v == 29 || v == 30
        trap    v, 1
%else
        trap    v, 0
%endif
%assign v v + 1
%endrep

trap_common:
        push    r15
        push    r14
        push    r13
        push    r12
        push    r11
        push    r10
        push    r9
        push    r8
        push    rdi
        push    rsi
        push    rbp
        push    rbx
        push    rdx
        push    rcx
        push    rax
        cld
        mov     rdi, rsp
        and     rsp, -16
        call    rt_trap
        ud2

section .rodata
align 8
gdt:    dq 0
        dq 0x00af9b000000ffff           ; SEL_CODE: 64-bit
        dq 0x00cf93000000ffff           ; SEL_DATA
gdt_end:

section .bss
alignb 4096
global start_stack_guard
pml4:   resb (2 + NPD) * 4096
start_stack_guard: resb 4096            ; paging_init takes it away
stack:  resb 32768
stack_top:
