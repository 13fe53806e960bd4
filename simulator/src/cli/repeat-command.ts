/** Flags whose value is never printed: what stands in for it reads it from the environment. */
const secretFlags: Readonly<Record<string, string>> = {
  '--password': '"$GAUGELINE_MQTT_PASSWORD"',
}

/** The command line that repeats a run, with the seed and the broker that it took where they were not said, and without secrets. */
export function repeatCommand(
  args: readonly string[],
  said: { readonly seed: number; readonly mqtt: string },
): string {
  const words = [...args]
  if (!has(words, '--seed')) words.push('--seed', String(said.seed))
  if (!has(words, '--mqtt')) words.push('--mqtt', said.mqtt)
  // The broker as it was used: without the credentials that the given URL may hold.
  const shownWords = words.map((word, index) => {
    if (word.startsWith('--mqtt=')) return quoted(`--mqtt=${said.mqtt}`)
    return words[index - 1] === '--mqtt' ? quoted(said.mqtt) : shown(word, words[index - 1])
  })
  return ['npm run simulate --', ...shownWords].join(' ')
}

function has(words: readonly string[], flag: string): boolean {
  return words.some((word) => word === flag || word.startsWith(`${flag}=`))
}

function shown(word: string, before: string | undefined): string {
  const secret = secretFlags[before ?? '']
  if (secret !== undefined) return secret
  const [flag = ''] = word.split('=', 1)
  return word.includes('=') && secretFlags[flag] !== undefined
    ? `${flag}=${secretFlags[flag]}`
    : quoted(word)
}

function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
