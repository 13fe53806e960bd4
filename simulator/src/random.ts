/** A seeded stream of random numbers. Never `Math.random`: a run can be repeated to the last digit. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Standard normal. */
  normal(): number
}

/**
 * The stream of one purpose, from the seed and a key such as `pump-7/temperature`. A device's values therefore stay the same
 * whatever the size of the fleet or the order in which devices are asked.
 */
export function randomFor(seed: number, key: string): Random {
  const next = sfc32(hash128(`${seed}/${key}`))
  return { next, normal: () => normalFrom(next) }
}

/** Box–Muller, one of the pair. */
function normalFrom(next: () => number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - next()))
  return radius * Math.cos(2 * Math.PI * next())
}

/** cyrb128: four 32-bit words of a text. */
function hash128(text: string): [number, number, number, number] {
  let [a, b, c, d] = [1779033703, 3144134277, 1013904242, 2773480762]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    a = b ^ Math.imul(a ^ code, 597399067)
    b = c ^ Math.imul(b ^ code, 2869860233)
    c = d ^ Math.imul(c ^ code, 951274213)
    d = a ^ Math.imul(d ^ code, 2716044179)
  }
  a = Math.imul(c ^ (a >>> 18), 597399067)
  b = Math.imul(d ^ (b >>> 22), 2869860233)
  c = Math.imul(a ^ (c >>> 17), 951274213)
  d = Math.imul(b ^ (d >>> 19), 2716044179)
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0]
}

/** Chris Doty-Humphrey's sfc32 (PractRand). */
function sfc32([a, b, c, d]: [number, number, number, number]): () => number {
  return () => {
    const sum = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return (sum >>> 0) / 4_294_967_296
  }
}
