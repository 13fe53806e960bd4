/** A request target as API Gateway reads it: `/{stage}[/{rest}][?query]`. */
export interface Target {
  readonly stage: string
  /** Decoded once (MGMT-10); '' for the stage itself. */
  readonly rest: string
  readonly rawQuery: string
}

export function parseTarget(url = '/'): Target {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const [, stage = '', ...rest] = path.split('/')
  return {
    stage: decode(stage),
    rest: rest.map(decode).join('/'),
    rawQuery: mark < 0 ? '' : url.slice(mark + 1),
  }
}

function decode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
