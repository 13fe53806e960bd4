import { type Shown, type Untruth } from './screen-checker.ts'

/** One way in which drawing code could be wrong, done to what it drew; undefined when this picture has nothing to break in this way. */
export interface ScreenMutation {
  readonly name: string
  readonly finds: Untruth
  readonly mutate: (shown: Shown, pick: number) => Shown | undefined
}

type Point = Shown['picture']['points'][number]
type Figures = Shown['figures']

/** Places inside the window at which a point and its neighbours are drawn. */
function inner({ picture }: Shown): number[] {
  return picture.points.flatMap(({ x, y }, i) => {
    const isIn = x > picture.fromMs && x < picture.toMs && y !== null
    const hasNeighbours = picture.points[i - 1]?.y != null && picture.points[i + 1]?.y != null
    return isIn && hasNeighbours ? [i] : []
  })
}

const withPoints =
  (change: (points: readonly Point[], i: number) => Point[]) =>
  (shown: Shown, pick: number): Shown | undefined => {
    const places = inner(shown)
    const i = places[pick % Math.max(1, places.length)]
    if (i === undefined) return undefined
    const { picture } = shown
    return { ...shown, picture: { ...picture, points: change(picture.points, i) } }
  }

/** Holes of the window, apart from its right edge, where nothing is decided. */
const withHole =
  (change: (shown: Shown, band: Shown['picture']['bands'][number]) => Shown) =>
  (shown: Shown, pick: number): Shown | undefined => {
    const { bands, fromMs, toMs } = shown.picture
    const holes = bands.filter(
      (band) => band.form === 'hatch' && band.fromMs > fromMs && band.toMs < toMs - 20_000,
    )
    const band = holes[pick % Math.max(1, holes.length)]
    return band && change(shown, band)
  }

const withFigure =
  (change: (figures: Figures) => Partial<Figures>, needs: (figures: Figures) => boolean) =>
  (shown: Shown): Shown | undefined =>
    needs(shown.figures)
      ? { ...shown, figures: { ...shown.figures, ...change(shown.figures) } }
      : undefined

const hasReadings = ({ count, bucketMs }: Figures): boolean => count > 0 && bucketMs === null

export const screenMutations: readonly ScreenMutation[] = [
  {
    name: 'a reading is not drawn',
    finds: 'missing',
    mutate: (shown, pick) =>
      shown.picture.bucketMs === null
        ? withPoints((points, i) => points.filter((_, k) => k !== i))(shown, pick)
        : undefined,
  },
  {
    name: 'a reading is drawn twice',
    finds: 'doubled',
    mutate: withPoints((points, i) => points.flatMap((p, k) => (k === i ? [p, p] : [p]))),
  },
  {
    name: 'two readings are drawn in the wrong order',
    finds: 'disordered',
    mutate: withPoints((points, i) => {
      const swapped = [...points]
      const [one, next] = [points[i], points[i + 1]]
      if (one && next) [swapped[i], swapped[i + 1]] = [next, one]
      return swapped
    }),
  },
  {
    name: 'a reading is drawn at another time',
    finds: 'phantom',
    mutate: withPoints((points, i) => points.map((p, k) => (k === i ? { ...p, x: p.x + 1 } : p))),
  },
  {
    name: 'a reading is drawn with another value',
    finds: 'phantom',
    mutate: withPoints((points, i) =>
      points.map((p, k) => (k === i ? { ...p, y: (p.y ?? 0) + 0.5 } : p)),
    ),
  },
  {
    name: 'a mean is drawn in place of readings',
    finds: 'phantom',
    mutate: withPoints((points, i) => {
      const [a, b] = [points[i], points[i + 1]]
      if (!a || !b) return [...points]
      const mean = { x: (a.x + b.x) / 2, y: ((a.y ?? 0) + (b.y ?? 0)) / 2 + 0.01 }
      return [...points.slice(0, i), mean, ...points.slice(i + 2)]
    }),
  },
  {
    name: 'the line goes on over a hole',
    finds: 'bridged',
    mutate: (shown) => {
      const { points, fromMs, toMs } = shown.picture
      const i = points.findIndex(
        ({ x, y }, k) =>
          y === null &&
          x > fromMs &&
          x < toMs &&
          points[k - 1]?.y != null &&
          points[k + 1]?.y != null,
      )
      if (i < 0) return undefined
      const picture = { ...shown.picture, points: points.filter((_, k) => k !== i) }
      return { ...shown, picture }
    },
  },
  {
    name: 'a hole has no mark',
    finds: 'unmarked hole',
    mutate: withHole((shown, band) => {
      const bands = shown.picture.bands.filter((other) => other !== band)
      return { ...shown, picture: { ...shown.picture, bands } }
    }),
  },
  {
    name: 'the mark of a hole is only a tick',
    finds: 'unmarked hole',
    mutate: withHole((shown, band) => {
      const bands = shown.picture.bands.map((other) =>
        other === band ? { ...band, form: 'tick' as const } : other,
      )
      return { ...shown, picture: { ...shown.picture, bands } }
    }),
  },
  {
    name: 'the mark of a hole is too short',
    finds: 'unmarked hole',
    mutate: withHole((shown, band) => {
      const half = { ...band, toMs: (band.fromMs + band.toMs) / 2 }
      const bands = shown.picture.bands.map((other) => (other === band ? half : other))
      return { ...shown, picture: { ...shown.picture, bands } }
    }),
  },
  {
    name: 'a hole is marked where readings are',
    finds: 'phantom hole',
    mutate: (shown, pick) => {
      const places = inner(shown)
      const i = places[pick % Math.max(1, places.length)] ?? -1
      const [before, after] = [shown.picture.points[i - 1], shown.picture.points[i + 1]]
      if (!before || !after || shown.picture.bucketMs !== null) return undefined
      const band = { fromMs: before.x, toMs: after.x, form: 'hatch', tone: 'lost' } as const
      return { ...shown, picture: { ...shown.picture, bands: [...shown.picture.bands, band] } }
    },
  },
  {
    name: 'what is known is said to be loading',
    finds: 'not loaded',
    mutate: (shown) => {
      const { fromMs, toMs } = shown.picture
      const band = { fromMs, toMs, form: 'veil', tone: 'unknown' } as const
      return { ...shown, picture: { ...shown.picture, bands: [...shown.picture.bands, band] } }
    },
  },
  {
    name: 'the least value is another',
    finds: 'wrong figure',
    mutate: withFigure(({ min }) => ({ min: min - 1 }), hasReadings),
  },
  {
    name: 'the greatest value is another',
    finds: 'wrong figure',
    mutate: withFigure(({ max }) => ({ max: max + 1 }), hasReadings),
  },
  {
    name: 'the average is another',
    finds: 'wrong figure',
    mutate: withFigure(({ avg }) => ({ avg: avg + 0.001 }), hasReadings),
  },
  {
    name: 'the percentile is one rank high',
    finds: 'wrong figure',
    mutate: withFigure(({ p95 }) => ({ p95: p95 + 1 }), hasReadings),
  },
  {
    name: 'a reading is counted that is not in the window',
    finds: 'wrong figure',
    mutate: withFigure(({ count }) => ({ count: count + 1 }), hasReadings),
  },
  {
    name: 'the gaps of another window are counted',
    finds: 'wrong figure',
    mutate: withFigure(
      ({ gaps }) => ({ gaps: gaps + 3 }),
      ({ bucketMs }) => bucketMs === null,
    ),
  },
]
