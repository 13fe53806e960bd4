// What `npm start` and `npm test` do first on a fresh clone. Node built-ins only: it runs before anything is installed.
import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const needed = [20, 19]

/**
 * Checks the Node version and installs the packages of the lockfile when they are missing or older than it. Ends the process with
 * exit code 1 and one line that says what to do when it cannot.
 */
export async function ensureInstalled(write = (text) => process.stderr.write(text)) {
  requireNode(write)
  if (isInstalled()) return
  const startedMs = Date.now()
  write('Installing packages (once) …\n')
  const ticker = setInterval(() => {
    write(`  still installing, ${Math.round((Date.now() - startedMs) / 1000)} s\n`)
  }, 10_000)
  const { code, output } = await npmCi()
  clearInterval(ticker)
  if (code !== 0) {
    write(`${output.trim().split('\n').slice(-8).join('\n')}\n`)
    write('The packages could not be installed: check the network and the registry that `npm config get registry` names, then try again.\n')
    process.exit(1)
  }
  write(`Installed in ${Math.round((Date.now() - startedMs) / 1000)} s.\n`)
}

function requireNode(write) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > needed[0] || (major === needed[0] && minor >= needed[1])) return
  write(`Gaugeline needs Node.js ${needed.join('.')} or newer; this is ${process.versions.node}. Install a current version from https://nodejs.org.\n`)
  process.exit(1)
}

/** npm writes node_modules/.package-lock.json at the end of an installation. */
function isInstalled() {
  const installed = `${root}node_modules/.package-lock.json`
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs
}

function npmCi() {
  return new Promise((resolve) => {
    const child = spawn('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', (error) => resolve({ code: 1, output: error.message }))
    child.on('close', (code) => resolve({ code, output }))
  })
}
