// What `npm start`, `npm run synth` and `npm test` do first on a fresh clone. Only Node's own modules until the packages are there, and
// only syntax that an old Node can read.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')

function fail(message, exitCode) {
  process.stderr.write(message + '\n')
  process.exit(exitCode)
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  fail(
    `Gaugeline needs Node.js 20.19 or newer, this is ${process.version}: https://nodejs.org/en/download`,
    1,
  )
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages || {}
  } catch {
    return undefined
  }
}

/** Compares what is installed with what the lock file asks for, by content: times lie after a checkout. */
function isInstalled() {
  const wanted = readLock(path.join(root, 'package-lock.json'))
  const installed = readLock(path.join(root, 'node_modules/.package-lock.json'))
  if (!wanted || !installed) return false
  return Object.entries(wanted).every(([name, entry]) => {
    // Links to workspaces carry no version, optional packages are left out on other platforms.
    if (
      !name.includes('node_modules/') ||
      entry.link ||
      entry.optional ||
      entry.devOptional ||
      entry.peer
    )
      return true
    return installed[name] !== undefined && installed[name].version === entry.version
  })
}

const networkCodes =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|CERT_\w+|SELF_SIGNED_CERT\w*)\b/

function explain(output) {
  const network = networkCodes.exec(output)
  if (network) {
    return `the package registry cannot be reached (${network[0]}). Check the network or the proxy settings of npm, then start again.`
  }
  const lines = output
    .split('\n')
    .filter((line) => line.startsWith('npm error') && !line.includes('complete log'))
  return `npm said: ${(lines[0] || output.trim().split('\n').pop() || 'nothing').replace(/^npm error /, '')}`
}

function install() {
  const isFirst = !existsSync(path.join(root, 'node_modules'))
  const npm =
    process.env.npm_execpath && /\.c?js$/.test(process.env.npm_execpath)
      ? [process.execPath, process.env.npm_execpath]
      : [process.platform === 'win32' ? 'npm.cmd' : 'npm']
  const args = [
    ...npm.slice(1),
    isFirst ? 'ci' : 'install',
    '--no-fund',
    '--no-audit',
    '--loglevel=error',
  ]
  const startedMs = Date.now()
  process.stderr.write(`  installing packages${isFirst ? ' (only on the first start)' : ''} …\n`)
  return new Promise((resolve) => {
    const child = spawn(npm[0], args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    })
    const seconds = () => Math.round((Date.now() - startedMs) / 1000)
    const timer = setInterval(
      () => process.stderr.write(`  … still installing, ${seconds()} s\n`),
      10_000,
    )
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-65_536)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => fail(`The packages cannot be installed: ${error.message}`, 1))
    child.on('close', (exitCode, signal) => {
      clearInterval(timer)
      if (signal) process.exit(130)
      if (exitCode !== 0) fail(`The packages cannot be installed: ${explain(output)}`, 1)
      process.stderr.write(`  installed in ${seconds()} s\n`)
      resolve()
    })
  })
}

/** Ends the process with one line that says what to do when Node is too old or the packages cannot be installed. */
export async function ensureInstalled() {
  requireNode()
  if (!isInstalled()) await install()
}
