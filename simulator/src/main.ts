export {}

/** How a process that is told to end does so: the run ends with its report; the second time, without waiting for anything; the third, at once. */
const stop = new AbortController()
const hurry = new AbortController()
let signals = 0
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    signals++
    if (signals === 1) stop.abort()
    else if (signals === 2) hurry.abort()
    else process.exit(130)
  })
}
// `simulate … | head` closes our stdout, a terminal that goes away both: the run ends, and what it says is lost, but not its files.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort())

const { INIT_CWD, GAUGELINE_TOKEN, GAUGELINE_MQTT_PASSWORD, NO_COLOR } = process.env

// Loaded only now: a signal while it loads is not lost.
const { run } = await import('./cli.ts')
const exitCode = await run(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  signal: stop.signal,
  hurry: hurry.signal,
  // npm changes to the top of the checkout; paths count from where the person typed them.
  directory: INIT_CWD ?? process.cwd(),
  columns: process.stderr.isTTY ? process.stderr.columns || 80 : undefined,
  hasColour: process.stdout.isTTY && NO_COLOR === undefined,
  token: GAUGELINE_TOKEN,
  password: GAUGELINE_MQTT_PASSWORD,
}).catch((error: unknown) => {
  process.stderr.write(`simulate: ${error instanceof Error ? error.message : String(error)}\n`)
  return 1
})
// Sockets that a broker does not close, and look-ups of names, do not keep a finished run alive.
process.stdout.write('', () => process.exit(exitCode))
