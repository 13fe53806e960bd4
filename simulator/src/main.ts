import { run } from './cli.ts'

const controller = new AbortController()
let signals = 0
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The second signal does not wait for devices to say goodbye.
    if (++signals > 1) process.exit(130)
    controller.abort()
  })
}
// `simulate … | head` closes our stdout: that is no failure.
process.stdout.on('error', () => {
  controller.abort()
})

const { INIT_CWD, GAUGELINE_TOKEN, NO_COLOR } = process.env

process.exitCode = await run(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  signal: controller.signal,
  // npm changes to the top of the checkout; paths count from where the person typed them.
  directory: INIT_CWD ?? process.cwd(),
  columns: process.stderr.isTTY ? process.stderr.columns || 80 : undefined,
  hasColour: process.stdout.isTTY && NO_COLOR === undefined,
  token: GAUGELINE_TOKEN,
}).catch((error: unknown) => {
  process.stderr.write(`simulate: ${error instanceof Error ? error.message : String(error)}\n`)
  return 1
})
