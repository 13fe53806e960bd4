import { isScalar, type Document, type LineCounter, type Node, type YAMLMap } from 'yaml'

/** A key or an index, from the top of the file down. */
export type Path = readonly (string | number)[]

/** Where things stand in a YAML file. */
export interface Places {
  /** `file.yaml:4:7` of the value at a path, or of the nearest thing above it that is there. */
  at(path: Path): string
  /** The same of a key; where its value begins when there is no such key. */
  ofKey(path: Path): string
}

export function placesOf(
  file: string,
  { document, lines }: { readonly document: Document; readonly lines: LineCounter },
): Places {
  const text = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  const offsetOf = (path: Path): number => {
    for (let depth = path.length; depth > 0; depth--) {
      const range = (document.getIn(path.slice(0, depth), true) as Node | undefined)?.range
      if (range) return range[0]
    }
    return 0
  }
  return {
    at: (path) => text(offsetOf(path)),
    ofKey(path) {
      const parent = document.getIn(path.slice(0, -1), true) as YAMLMap | undefined
      const key = parent?.items.map((pair) => pair.key).find((one) => isKey(one, path.at(-1)))
      return text(key?.range?.[0] ?? offsetOf(path))
    },
  }
}

function isKey(key: unknown, name: unknown): key is Node {
  return isScalar(key) && key.value === name
}
