import { describe, expect, it } from 'vitest'
import { START_MS, streamItem } from '../../testing/records.ts'
import { decodeRecord } from './decode-record.ts'

const telemetry = (topic: string) => decodeRecord(streamItem(1, { a: 1 }, { topic }))

describe('stream records', () => {
  it('gives each reading of a payload its own position', () => {
    const decoded = decodeRecord(streamItem(1, [{ a: 1 }, { a: 2 }]))
    const positions = decoded.kind === 'telemetry' ? decoded.readings.map((r) => r.position) : []
    expect(positions).toHaveLength(2)
    expect(positions[0]! < positions[1]!).toBe(true)
  })

  it('of a list with a bad reading keeps the others, at their own places, and the whole original', () => {
    const list = [{ a: 1 }, { a: 'x' }, { a: 3 }]
    const decoded = decodeRecord(streamItem(1, list))
    const whole = decodeRecord(streamItem(1, [{ a: 1 }, { a: 2 }, { a: 3 }]))
    const positions = (of: typeof decoded) =>
      of.kind === 'telemetry' ? of.readings.map(({ position }) => position) : []
    const [first, , third] = positions(whole)
    expect(positions(decoded)).toEqual([first, third])
    expect(decoded).toMatchObject({
      reject: { reason: 'VALUE_NOT_NUMBER', member: 'a', index: 1, count: 1 },
    })
    const original = decoded.kind === 'telemetry' ? decoded.reject?.original : undefined
    expect(Buffer.from(original ?? []).toString()).toBe(JSON.stringify(list))
  })

  it.each([
    ['PAYLOAD-7: an empty level', 'dt/plant-1//telemetry'],
    ['PAYLOAD-7: a level too few', 'dt/plant-1/telemetry'],
    ['PAYLOAD-8: another case', 'dt/plant-1/pump-7/Telemetry'],
    ['PAYLOAD-12: a device ".."', 'dt/plant-1/../telemetry'],
    ['PAYLOAD-12: a device with a bar', 'dt/plant-1/d1|d2/telemetry'],
    ['PAYLOAD-12: a percent escape', 'dt/plant-1/%2e%2e/telemetry'],
    ['PAYLOAD-12: an emoji', 'dt/plant-1/😀/telemetry'],
    ['PAYLOAD-12: 129 characters', `dt/plant-1/${'d'.repeat(129)}/telemetry`],
  ])('puts aside a topic with %s', (_name, topic) => {
    expect(telemetry(topic)).toMatchObject({
      kind: 'reject',
      reject: { reason: 'TOPIC_INVALID', topic },
    })
  })

  it('PAYLOAD-12: takes a device named __proto__ as any other', () => {
    expect(telemetry('dt/plant-1/__proto__/telemetry')).toMatchObject({ kind: 'telemetry' })
  })

  it.each([
    ['pump-7', 0],
    ['plant-1/pump-7', 0],
    ['pump-8', 1],
    ['plant-2/pump-7', 1],
  ])('PAYLOAD-34: of a payload that says it is of %s, %i are misnamed', (deviceId, misnamed) => {
    const readings = [{ a: 1 }, { deviceId, a: 2 }]
    expect(decodeRecord(streamItem(1, readings))).toMatchObject({ kind: 'telemetry', misnamed })
  })

  it('PAYLOAD-15: keeps at which byte a payload stops being JSON', () => {
    const decoded = decodeRecord(streamItem(7, '{"a":1}}'))
    expect(decoded).toMatchObject({ reject: { reason: 'PAYLOAD_NOT_JSON', byteOffset: 7 } })
  })

  it('keeps the original bytes of a bad payload', () => {
    const original = Buffer.from([0x7b, 0xff, 0x00])
    const decoded = decodeRecord(streamItem(7, original))
    expect(decoded).toMatchObject({ kind: 'reject', reject: { reason: 'PAYLOAD_NOT_UTF8' } })
    expect(decoded.kind === 'reject' && Buffer.compare(decoded.reject.original, original)).toBe(0)
  })

  it.each([
    ['no JSON', Buffer.from('x')],
    ['an unknown kind', streamItem(1, {}, { kind: 'other' }).data],
    ['no payload', Buffer.from('{"kind":"telemetry","topic":"dt/a/b/telemetry","ts":1}')],
  ])('puts aside a record that is not of our rules: %s', (_name, data) => {
    const decoded = decodeRecord({ ...streamItem(1, {}), data })
    expect(decoded).toMatchObject({ kind: 'reject', reject: { reason: 'RECORD_INVALID' } })
  })

  it('understands presence', () => {
    const payload = { timestamp: START_MS, versionNumber: 3, disconnectReason: 'CONNECTION_LOST' }
    const topic = '$aws/events/presence/disconnected/pump-7'
    expect(decodeRecord(streamItem(1, payload, { kind: 'presence', topic }))).toMatchObject({
      kind: 'presence',
      event: { clientId: 'pump-7', online: false, atMs: START_MS, version: 3 },
    })
  })

  it('understands a command’s result', () => {
    const topic = 'cmd/plant-1/pump-7/0f4c/result'
    expect(decodeRecord(streamItem(1, { state: 'done' }, { kind: 'result', topic }))).toMatchObject(
      {
        kind: 'result',
        event: { topic: 'plant-1/pump-7', commandId: '0f4c' },
      },
    )
  })
})
