/** `*` any run of characters, `?` exactly one, everything else itself. */
export function compilePattern(
  pattern: string,
  options: { readonly ignoreCase?: boolean } = {},
): (text: string) => boolean {
  if (pattern === '*') return () => true
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]')
  const expression = new RegExp(`^${source}$`, options.ignoreCase ? 'i' : '')
  return (text) => expression.test(text)
}
