/** The command line that repeats a run, with the seed and the broker that it took where they were not said. */
export function repeatCommand(
  args: readonly string[],
  said: { readonly seed: number; readonly mqtt: string },
): string {
  const words = [...args]
  for (const [flag, value] of [
    ['--seed', String(said.seed)],
    ['--mqtt', said.mqtt],
  ] as const) {
    if (!args.some((word) => word === flag || word.startsWith(`${flag}=`))) words.push(flag, value)
  }
  return ['npm run simulate --', ...words.map(quoted)].join(' ')
}

function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
