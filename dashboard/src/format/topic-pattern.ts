const compiled = new Map<string, RegExp>()

/** Whether a topic fits a pattern in which `*` is any run of characters: `plant-1/pump-*`, `*`. */
export function matchesTopic(pattern: string, topic: string): boolean {
  let expression = compiled.get(pattern)
  if (!expression) {
    const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    compiled.set(pattern, (expression = new RegExp(`^${parts.join('.*')}$`, 's')))
  }
  return expression.test(topic)
}
