// Numbers, times and codes as a person reads them. "–" stands for what is not known.

export const UNKNOWN = "–";

export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

export function count(value) {
  return isNumber(value) ? Math.round(value).toLocaleString("en-GB").replaceAll(",", "\u202f") : UNKNOWN;
}

export function rate(perSecond) {
  if (!isNumber(perSecond)) return UNKNOWN;
  if (perSecond === 0) return "0/s";
  return perSecond < 9.95 ? `${perSecond.toFixed(1)}/s` : `${count(perSecond)}/s`;
}

export function percent(share) {
  if (!isNumber(share)) return UNKNOWN;
  const value = share * 100;
  // 99.97 % must not read as 100 %, nor 0.03 % as 0 %.
  if (value > 0 && value < 0.1) return "<0.1 %";
  if (value > 99.9 && value < 100) return ">99.9 %";
  return Number.isInteger(value) || value >= 99.95 ? `${value.toFixed(0)} %` : `${value.toFixed(1)} %`;
}

export function latency(ms) {
  if (!isNumber(ms)) return UNKNOWN;
  if (ms === 0) return "0 ms";
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return ms < 9.95 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

export function duration(ms) {
  if (!isNumber(ms)) return UNKNOWN;
  if (ms < 950) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${Number((ms / 1000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const [big, small, units] = seconds < 3600 ? [60, 1, ["min", "s"]]
    : seconds < 86400 ? [3600, 60, ["h", "min"]] : [86400, 3600, ["d", "h"]];
  const whole = Math.floor(seconds / big);
  const rest = Math.floor((seconds % big) / small);
  return rest === 0 ? `${whole} ${units[0]}` : `${whole} ${units[0]} ${rest} ${units[1]}`;
}

function two(value) {
  return String(value).padStart(2, "0");
}

export function clock(unixMs) {
  const time = new Date(unixMs);
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

// `half_open` reads "half-open" like in the documents, other codes become plain words.
export function words(code) {
  return code === "half_open" ? "half-open" : String(code).replaceAll("_", " ");
}
