// Pure maths of curves: thinning and smoothing. A curve is {x: steps, y: values}, with null for a gap.

// At most about `most` points: of each stretch its smallest and its largest, in their order, so that no peak is lost.
export function thin({ x, y }, most) {
  if (x.length <= most) return { x: x.slice(), y: y.slice() };
  const width = Math.ceil((2 * x.length) / most), out = { x: [], y: [] };
  const keep = (at) => (out.x.push(x[at]), out.y.push(y[at]));
  for (let from = 0; from < x.length; from += width) {
    const to = Math.min(from + width, x.length);
    let low = -1, high = -1, gap = -1;
    for (let at = from; at < to; at++) {
      if (y[at] === null) gap = at;
      else {
        if (low < 0 || y[at] < y[low]) low = at;
        if (high < 0 || y[at] >= y[high]) high = at;
      }
    }
    [...new Set([low, high, gap])].filter((at) => at >= 0).sort((a, b) => a - b).forEach(keep);
  }
  return out;
}

// A function that smooths value after value: exponential moving average with the start corrected (as Adam corrects it).
export function ema(weight) {
  let sum = 0, norm = 0;
  return (value) => {
    if (value === null) return null;
    sum = sum * weight + (1 - weight) * value;
    norm = norm * weight + (1 - weight);
    return sum / norm;
  };
}
