import { describe, expect, test } from 'vitest'
import { StartError } from '../platform/errors.ts'
import { readOptions } from './options.ts'

const read = (...args: string[]): ReturnType<typeof readOptions> => readOptions(args, '/repo')

describe('flags of npm start', () => {
  test('without flags everything has its default', () => {
    expect(read()).toEqual({
      port: 8080,
      mqttPort: 1883,
      awsPort: 0,
      maxEnvironments: 10,
      simulator: true,
      json: false,
      watch: false,
      stateDir: '/repo/.gaugeline',
    })
  })

  test('relative paths start where the person stands', () => {
    expect(
      read('--scenario', 'a.yaml', '--data-dir', '../data', '--state-dir', '/tmp/s'),
    ).toMatchObject({ scenario: '/repo/a.yaml', dataDir: '/data', stateDir: '/tmp/s' })
  })

  test('--no-simulator, --json, --logs and ports are read', () => {
    expect(read('--no-simulator', '--json', '--logs', 'deliver', '--port=0')).toMatchObject({
      simulator: false,
      json: true,
      logs: 'deliver',
      port: 0,
    })
  })

  test.each([
    ['FLAG-1: a misspelt flag', ['--prot', '1'], 'Did you mean --port?'],
    ['FLAG-1: a missing value', ['--scenario'], '--scenario'],
    ['FLAG-1: an unknown word', ['fast'], 'too many arguments'],
    ['FLAG-2: a port below 0', ['--port', '-1'], '--port'],
    ['FLAG-2: a port above 65535', ['--port', '65536'], '65535'],
    ['FLAG-2: a port that is no number', ['--port', 'abc'], 'abc'],
    ['FLAG-2: a port with a fraction', ['--mqtt-port', '1.5'], '--mqtt-port'],
    ['FLAG-2: no environments', ['--max-environments', '0'], 'from 1 to 9999'],
    ['FLAG-9: an empty value', ['--data-dir', ''], '--data-dir'],
  ])('%s is refused in one line that names it', (_, args, word) => {
    const attempt = (): unknown => read(...args)
    expect(attempt).toThrow(StartError)
    expect(attempt).toThrow(word)
    expect(attempt).toThrow(/^[^\n]*$/)
  })

  test('FLAG-11: --help is text, also beside other flags', () => {
    expect(read('--port', '0', '--help')).toEqual({
      help: expect.stringContaining('--data-dir') as string,
    })
  })
})
