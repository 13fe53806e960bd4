import type { Random } from '../random.ts'

/**
 * Ornstein–Uhlenbeck noise, exact for any step: x' = x·a + sd·√(1−a²)·N(0,1), a = exp(−dt/tau). Starts in its stationary
 * distribution.
 */
export function ornsteinUhlenbeck(
  { tauMs, sd }: { readonly tauMs: number; readonly sd: number },
  random: Random,
): (dtMs: number) => number {
  let value = sd * random.normal()
  return (dtMs) => {
    if (dtMs <= 0) return value
    const decay = Math.exp(-dtMs / tauMs)
    value = value * decay + sd * Math.sqrt(1 - decay * decay) * random.normal()
    return value
  }
}
