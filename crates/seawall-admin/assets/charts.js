// Line charts of the last five minutes. Colours come from the style sheet and follow its light and
// dark theme; each line also has its own dashes, so that colour is never the only difference.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { clock } from "./format.js";
import { SPAN } from "./history.js";

const HEIGHT = 118;
const all = new Set();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// The value under the pointer, or the newest one while there is none.
function shown(chart, value, line, index, format) {
  const column = chart.data[line];
  return format(index === null && column ? column.at(-1) : value);
}

function lineOf({ label, tone, dash }, format) {
  return {
    label,
    stroke: () => colour(tone),
    width: 1.6,
    dash,
    points: { show: false },
    value: (chart, value, line, index) => shown(chart, value, line, index, format),
  };
}

function axis(size, values, space) {
  return {
    size,
    values,
    space,
    font: "11px system-ui, sans-serif",
    stroke: () => colour("quiet"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { show: false },
    gap: 4,
  };
}

function options(lines, format, width) {
  const minutes = (chart, splits) => splits.map((second) => clock(second * 1000).slice(0, 5));
  const values = (chart, splits) => splits.map((value) => format(value));
  return {
    width,
    height: HEIGHT,
    cursor: { sync: { key: "seawall" }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { range: (chart, low, high) => [high - SPAN, high] },
      y: { range: (chart, low, high) => [0, Math.max(1, (high || 0) * 1.1)] },
    },
    // A label each minute where there is room, else every second one, or only the ends.
    axes: [{ ...axis(20, minutes, 40), incrs: [60, 120, 300] }, axis(56, values, 26)],
    legend: { markers: { width: 2, dash: (chart, line) => strokeOf(lines[line - 1]),
      // By name, so that the marks follow the theme by themselves.
      stroke: (chart, line) => line === 0 ? "transparent" : `var(--${lines[line - 1].tone})` } },
    series: [{ value: (chart, second, line, index) => time(chart, second, index) },
      ...lines.map((line) => lineOf(line, format))],
  };
}

// The dashes of a line in the words of style sheets.
function strokeOf(line) {
  if (!line || !line.dash) return "solid";
  return line.dash[0] < 4 ? "dotted" : "dashed";
}

function time(chart, second, index) {
  return index === null || second === null ? "" : `at ${clock(second * 1000)}`;
}

// A chart inside `target`. `lines` are { label, tone, dash }, `format` writes a value.
export function lineChart(target, lines, format) {
  const empty = [[], ...lines.map(() => [])];
  const chart = new uPlot(options(lines, format, 320), empty, target);
  const fit = () => {
    const width = Math.floor(target.clientWidth);
    if (width > 0 && width !== chart.width) chart.setSize({ width, height: HEIGHT });
  };
  const watch = new ResizeObserver(fit);
  watch.observe(target);
  all.add(chart);
  return {
    draw: (table) => chart.setData(table),
    end: () => { watch.disconnect(); all.delete(chart); chart.destroy(); },
  };
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of all) chart.redraw(false);
});
