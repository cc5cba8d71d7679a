# SPDX-License-Identifier: Apache-2.0
"""The chart of docs/performance.md: Trivet beside KVM, in executed instructions, on a logarithmic scale."""

import math
from xml.sax.saxutils import escape

SHOWN = [  # (architecture, name of the figure, its name in the chart)
    ("x86_64", "cpuid", "CPUID"),
    ("x86_64", "eoi", "x2APIC EOI"),
    ("x86_64", "ipi-self-send", "self-IPI, sent"),
    ("x86_64", "uart-lsr", "port read, device model"),
    ("x86_64", "mmio-service", "MMIO read, device model"),
    ("x86_64", "virtio-request", "virtio request, whole"),
    ("x86_64", "vm-switch", "switch of vCPUs"),
    ("arm64", "hypercall", "HVC"),
    ("arm64", "mmio-kernel", "GIC distributor read"),
    ("arm64", "mmio-service", "MMIO read, device model"),
    ("arm64", "ipi-self", "SGI to self, whole"),
    ("arm64", "doorbell-mmio", "virtio doorbell"),
    ("arm64", "vm-switch", "switch of vCPUs"),
]
BARS = [("trivet", "Trivet", "#2a6f97"), ("kvm", "KVM, mitigations off", "#c0762c")]
LEFT, WIDTH, BAR, GAP, TOP = 250, 520, 11, 12, 54


def scale(value, low, high):
    return LEFT + WIDTH * (math.log10(max(value, 1)) - low) / (high - low)


def svg(figures):
    by = {(f.arch, f.name, f.system): f.value for f in figures}
    shown = [row for row in SHOWN if all((row[0], row[1], system) in by for system, _, _ in BARS)]
    values = [by[arch, name, system] for arch, name, _ in shown for system, _, _ in BARS]
    low, high = 1, math.ceil(math.log10(max(values, default=10)))
    height = TOP + len(shown) * (len(BARS) * BAR + GAP) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 90}" height="{height}" font-family="sans-serif" font-size="12">',
           f'<rect width="100%" height="{height}" fill="white"/>',
           '<text x="10" y="18" font-weight="bold">Executed instructions, emulated machine (logarithmic)</text>']
    for i, (_, title, colour) in enumerate(BARS):
        out.append(f'<rect x="{10 + 170 * i}" y="28" width="10" height="10" fill="{colour}"/>'
                   f'<text x="{25 + 170 * i}" y="37">{escape(title)}</text>')
    for power in range(low, high + 1):
        x = scale(10 ** power, low, high)
        out.append(f'<line x1="{x:.0f}" y1="{TOP - 6}" x2="{x:.0f}" y2="{height - 24}" stroke="#ddd"/>'
                   f'<text x="{x:.0f}" y="{height - 8}" text-anchor="middle" fill="#555">{10 ** power:,}</text>')
    y = TOP
    for arch, name, title in shown:
        out.append(f'<text x="{LEFT - 8}" y="{y + len(BARS) * BAR / 2 + 4:.0f}" text-anchor="end">'
                   f'{escape(title)}<tspan fill="#777">, {"x86" if arch == "x86_64" else "arm64"}</tspan></text>')
        for i, (system, _, colour) in enumerate(BARS):
            value = by[arch, name, system]
            width = max(scale(value, low, high) - LEFT, 1)
            out.append(f'<rect x="{LEFT}" y="{y + i * BAR}" width="{width:.0f}" height="{BAR - 1}" fill="{colour}"/>'
                       f'<text x="{LEFT + width + 4:.0f}" y="{y + i * BAR + 9}" font-size="10">{value:,}</text>')
        y += len(BARS) * BAR + GAP
    return "\n".join([*out, "</svg>"]) + "\n"
