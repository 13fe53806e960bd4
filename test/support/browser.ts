import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

const installed = [
  process.env['CHROME_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/** Quiet on a closed network, and able to start as root in a container. */
const args = [
  '--no-sandbox',
  '--headless',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * A headless Chromium with an empty profile: the one that `CHROME_PATH` names or that is installed, else the one that comes inside
 * the npm package `@sparticuz/chromium` (Linux x64). Throws an Error that says how to get one.
 */
export async function launchBrowser(): Promise<Browser> {
  const path = installedBrowser()
  try {
    return path === undefined
      ? await launchPackaged()
      : await chromium.launch({ executablePath: path, args })
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    throw new Error(
      `No browser could be started (${path ?? 'the one inside @sparticuz/chromium'}: ${reason}). ` +
        'Install Chromium or Chrome (Debian: apt-get install chromium), or set CHROME_PATH to its executable.',
      { cause: error },
    )
  }
}

const installedBrowser = (): string | undefined =>
  installed.find((candidate) => candidate !== undefined && existsSync(candidate))

/**
 * Before the files of tests (vitest's `globalSetup`): two of them that need the packaged browser at once would unpack it over each other, and it
 * looks ready as soon as its first byte is there. Where it cannot run, the tests that need one say so.
 */
export async function setup(): Promise<void> {
  if (installedBrowser() !== undefined) return
  const { default: packaged } = await import('@sparticuz/chromium')
  await packaged.executablePath().catch(() => undefined)
}

async function launchPackaged(): Promise<Browser> {
  const { default: packaged } = await import('@sparticuz/chromium')
  return chromium.launch({
    executablePath: await packaged.executablePath(),
    args: [...packaged.args.filter((arg) => !arg.startsWith('--headless')), ...args],
  })
}
