"""Tables in Markdown and plots in SVG."""

import statistics
from pathlib import Path


class Table:
    """What a row of the benchmark has measured.

    The first contender is the floor, those whose names begin with "layerstore" are ours, the others are peers.
    """

    def __init__(self, title, figures, reasons, goal="", equal=""):
        self.title, self.goal, self.equal = title, goal, equal
        self.warmup = {name: values[0] for name, values in figures.items() if values}
        self.figures = {name: values[1:] for name, values in figures.items() if len(values) > 1}
        self.reasons = reasons

    def floor(self):
        return next(iter(self.figures), None)

    def ours(self):
        return [name for name in self.figures if name.startswith("layerstore")]

    def peers(self):
        return [name for name in self.figures if name != self.floor() and name not in self.ours()]

    def median(self, name):
        return statistics.median(value.wall for value in self.figures[name])

    def ratio(self, name, other):
        """The median of the ratios of the rounds."""
        return statistics.median(a.wall / b.wall for a, b in zip(self.figures[name], self.figures[other]))

    def markdown(self):
        against = [name for name in [self.floor(), *self.peers()] if name]
        head = ["", "median", "least", "spread", "CPU", "heap", "helper", *(f"/ {name}" for name in against)]
        lines = [f"### {self.title}", "", row(head), row(["---"] + ["--:"] * (len(head) - 1))]
        for name, values in self.figures.items():
            walls = [value.wall for value in values]
            heaps = [value.heap for value in values if value.heap]
            helper = self.warmup[name].helper
            lines.append(row([
                name, duration(statistics.median(walls)), duration(min(walls)), f"{(max(walls) - min(walls)) / statistics.median(walls):.0%}",
                duration(statistics.median(value.cpu for value in values)),
                size(max(heaps)) if heaps else "", size(helper) if helper else "",
                *("" if name == other else f"{self.ratio(name, other):.2f}" for other in against)]))
        notes = [f"Goal: {self.goal}."] if self.goal else []
        notes += [self.equal] if self.equal else []
        notes += [f"Not measured: {name}: {' '.join(reason.split())[:200]}." for name, reason in self.reasons.items()]
        return "\n".join(lines + [""] + [note + "  " for note in notes])

    def summary(self):
        """A row of the summary: the job, the floor, ours as ratios to it, and the best of the peers."""
        floor = self.floor()
        if not self.ours():
            return row([self.title, "", "not measured", "", self.goal])
        peers = sorted((self.ratio(name, floor), name) for name in self.peers())
        ours = "; ".join(f"{name.removeprefix('layerstore ')} {self.ratio(name, floor):.2f} ({duration(self.median(name)).strip()})"
                         if name != floor else duration(self.median(name)) for name in self.ours())
        return row([self.title, f"{floor}, {duration(self.median(floor))}" if floor not in self.ours() else "", ours,
                    f"{peers[0][1]} {peers[0][0]:.2f}" if peers else "", self.goal])


def row(cells):
    return "| " + " | ".join(str(cell).strip() for cell in cells) + " |"


def duration(seconds):
    if seconds >= 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} us"


def size(count):
    return f"{count / (1 << 20):.0f} MB"


# --- plots ------------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 420, 70, 50, 40, 190
COLOURS = ["#1b6ca8", "#c8553d", "#588157", "#7b4fa3", "#b8860b", "#444444"]


def plot(file, title, unit, series):
    """Draws time against work: `series` has for each name a list of pairs, work and seconds."""
    most_x = max(x for points in series.values() for x, _ in points)
    most_y = max(y for points in series.values() for _, y in points) * 1.05

    def place(x, y):
        return LEFT + x / most_x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / most_y * (HEIGHT - BOTTOM - TOP)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', text(LEFT, 22, title, size=15)]
    for i in range(6):
        x, y = place(most_x * i / 5, most_y * i / 5)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e4e4e4"/>')
        parts.append(text(LEFT - 8, y + 4, f"{most_y * i / 5:.3g} s", anchor="end"))
        parts.append(text(x, HEIGHT - BOTTOM + 18, f"{most_x * i / 5:,.0f}", anchor="middle"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, unit, anchor="middle"))
    for i, (name, points) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        places = [place(x, y) for x, y in sorted(points)]
        # The straight line through nothing and the least work: what grows linearly stays on it.
        (x, y), end = sorted(points)[0], None
        end = place(most_x, min(most_y, y / x * most_x)) if y / x * most_x <= most_y else place(most_y / (y / x), most_y)
        start = place(0, 0)
        parts.append(f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" stroke="{colour}" stroke-dasharray="3 5" opacity="0.6"/>')
        parts.append(f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in places)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"/>' for a, b in places]
        parts.append(f'<rect x="{WIDTH - RIGHT + 14}" y="{TOP + 22 * i}" width="12" height="12" fill="{colour}"/>')
        parts.append(text(WIDTH - RIGHT + 32, TOP + 22 * i + 10, name.removeprefix("layerstore ")))
    Path(file).write_text("\n".join([*parts, "</svg>"]) + "\n")


def text(x, y, words, size=12, anchor="start"):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{words}</text>'
