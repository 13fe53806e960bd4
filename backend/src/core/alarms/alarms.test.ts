import { beforeEach, describe, expect, it } from 'vitest'
import type { ClientMessage } from '../../protocol/index.ts'
import {
  connectionOf,
  fakeClock,
  fakeSockets,
  identityOf,
  memoryConnections,
  memoryConnectionSubscriptions,
} from '../connections/fakes.ts'
import { forgetConnection } from '../connections/close.ts'
import { everythingSubscribed } from './everything-subscribed.ts'
import { answerAlarms } from './answer-alarms.ts'
import { factOf, memoryAlarms, memoryWatchers } from './fakes.ts'
import type { AlarmFact } from './ports.ts'
import { readAlarmEvent } from './read-alarm-event.ts'
import { recordEvent } from './record-event.ts'

const connection = connectionOf()
const alarm = factOf().alarm
let clock: ReturnType<typeof fakeClock>
let ports: ReturnType<typeof makePorts>
function makePorts() {
  const facts: AlarmFact[] = [factOf()]
  return {
    facts,
    connections: memoryConnections(),
    source: { all: () => Promise.resolve(facts) },
    records: memoryAlarms(),
    watchers: memoryWatchers(),
    sockets: fakeSockets(),
    clock,
    prefix: 'Gaugeline-',
  }
}
beforeEach(async () => {
  clock = fakeClock()
  ports = makePorts()
  await ports.connections.open(connection)
})
/** A later step of a change fails, once. */
function failOnce(step: 'bump' | 'watchers'): void {
  const { records, watchers } = ports
  const [bump, all] = [records.bump.bind(records), watchers.all.bind(watchers)]
  const fail = (): Promise<never> => {
    Object.assign(records, { bump })
    Object.assign(watchers, { all })
    return Promise.reject(new Error('on purpose'))
  }
  if (step === 'bump') records.bump = fail
  else watchers.all = fail
}
type Op = Extract<ClientMessage<'alarms'>, { readonly op: string }>
const ask = (message: Omit<Op, 'action' | 'id'> & Record<string, unknown>, from = connection) =>
  answerAlarms({ action: 'alarms', id: 8, ...message } as Op, from, ports)

describe('list', () => {
  it('shows every alarm of the stack with what its description says', async () => {
    expect(await ask({ op: 'list' })).toEqual({
      type: 'alarms',
      id: 8,
      revision: 0,
      alarms: [
        {
          alarm,
          title: 'deliver-errors',
          severity: 'P2',
          description: 'deliver fails | charts stand still',
          runbook: 'docs/runbook.md#deliver-errors',
          state: 'OK',
          reason: 'all quiet',
          since: factOf().since,
          revision: 0,
          notes: [],
        },
      ],
    })
  })
  it('an alarm without our form of description is shown too', async () => {
    ports.facts.push(factOf({ alarm: 'Gaugeline-x', description: 'by hand' }))
    const answer = await ask({ op: 'list' })
    expect(answer).toMatchObject({
      alarms: [{}, { severity: 'P3', description: 'by hand', runbook: '' }],
    })
  })
  it('makes the connection a watcher until its token ends', async () => {
    await ask({ op: 'list' })
    expect(await ports.watchers.all(clock.ms)).toEqual(['c1='])
    expect(await ports.watchers.all(connection.expiresAt * 1_000)).toEqual([])
  })
  /** Has something happen between the admission of a message and the row of its watcher. */
  function before(happens: () => Promise<unknown>): void {
    const add = ports.watchers.add.bind(ports.watchers)
    ports.watchers.add = async (...row) => {
      await happens()
      await add(...row)
    }
  }
  const subscriptions = () => everythingSubscribed(memoryConnectionSubscriptions(), ports.watchers)

  it('leaves no watcher of a connection that closed meanwhile', async () => {
    before(() => forgetConnection('c1=', { ...ports, subscriptions: subscriptions() }, 'revoked'))
    await expect(ask({ op: 'list' })).rejects.toMatchObject({ code: 'CONNECTION_UNKNOWN' })
    expect(await ports.watchers.all(clock.ms)).toEqual([])
  })
  it('ends the watching with the newest token, also when a refresh to a shorter one came meanwhile', async () => {
    const shorter = identityOf({ expiresAt: connection.expiresAt - 600 })
    before(async () => {
      await ports.connections.renew('c1=', shorter, clock.ms)
      await subscriptions().renewConnection('c1=', shorter)
    })
    await ask({ op: 'list' })
    expect(await ports.watchers.all(shorter.expiresAt * 1_000 - 1)).toEqual(['c1='])
    expect(await ports.watchers.all(shorter.expiresAt * 1_000)).toEqual([])
  })
  it('the newer of CloudWatch and the last event counts', async () => {
    await recordEvent(factOf({ state: 'ALARM', since: clock.ms + 5 }), ports)
    expect(await ask({ op: 'list' })).toMatchObject({ alarms: [{ state: 'ALARM' }], revision: 1 })
    ports.facts[0] = factOf({ state: 'OK', since: clock.ms + 9 })
    expect(await ask({ op: 'list' })).toMatchObject({ alarms: [{ state: 'OK' }] })
  })
})

describe('changes', () => {
  beforeEach(async () => {
    await ports.watchers.add('other=', connection.expiresAt)
    await ports.watchers.add('c1=', connection.expiresAt)
  })
  it('an acknowledgement is answered and pushed to everybody else', async () => {
    const answer = await ask({ op: 'ack', alarm, revision: 0, text: 'on it' })
    expect(answer).toMatchObject({
      type: 'alarm',
      id: 8,
      revision: 1,
      alarm: {
        revision: 1,
        acknowledgedBy: 'ana',
        acknowledgedAt: clock.ms,
        notes: [{ by: 'ana', text: 'on it' }],
      },
    })
    expect(ports.sockets.posted).toMatchObject([
      { to: 'other=', message: { type: 'alarm', revision: 1 } },
    ])
    expect(ports.sockets.posted[0]?.message).not.toHaveProperty('id')
  })
  it('two people cannot overwrite each other', async () => {
    await ask({ op: 'ack', alarm, revision: 0 })
    await expect(ask({ op: 'note', alarm, revision: 0, text: 'mine' })).rejects.toMatchObject({
      code: 'REVISION_CONFLICT',
    })
    expect(await ask({ op: 'note', alarm, revision: 1, text: 'mine' })).toMatchObject({
      alarm: { revision: 2 },
    })
  })
  it('a person does not overwrite a change of state he has not seen', async () => {
    await recordEvent(factOf({ state: 'ALARM', since: clock.ms + 1 }), ports)
    await expect(ask({ op: 'ack', alarm, revision: 0 })).rejects.toMatchObject({
      code: 'REVISION_CONFLICT',
    })
  })
  it('who was too slow is shown the alarm as it is now, ahead of the refusal', async () => {
    await ask({ op: 'ack', alarm, revision: 0 })
    ports.sockets.posted.length = 0
    const slow = connectionOf({ connectionId: 'slow=', user: 'ben' })
    await expect(ask({ op: 'ack', alarm, revision: 0 }, slow)).rejects.toMatchObject({
      code: 'REVISION_CONFLICT',
    })
    expect(ports.sockets.posted).toMatchObject([
      { to: 'slow=', message: { alarm: { revision: 1, acknowledgedBy: 'ana' }, revision: 1 } },
    ])
  })
  it.each(['bump', 'watchers'] as const)(
    'a change that was recorded but not told (%s failed) is completed by its repetition',
    async (step) => {
      failOnce(step)
      const ack = { op: 'ack', alarm, revision: 0, text: 'on it' } as const
      await expect(ask(ack)).rejects.toThrow('on purpose')
      expect(await ask(ack)).toMatchObject({ alarm: { revision: 1, acknowledgedBy: 'ana' } })
      expect(ports.sockets.posted).toMatchObject([{ to: 'other=' }])
      expect(await ports.records.history(alarm, 10)).toHaveLength(1)
      const other = connectionOf({ user: 'ben' })
      await expect(ask(ack, other)).rejects.toMatchObject({ code: 'REVISION_CONFLICT' })
    },
  )
  it('shelving ends by itself', async () => {
    const until = clock.ms + 60_000
    const answer = await ask({ op: 'shelve', alarm, revision: 0, until })
    expect(answer).toMatchObject({ alarm: { shelvedUntil: until, shelvedBy: 'ana' } })
    clock.ms = until
    const { alarms } = (await ask({ op: 'list' })) as unknown as { alarms: object[] }
    expect(alarms[0]).not.toHaveProperty('shelvedUntil')
    expect(alarms[0]).not.toHaveProperty('shelvedBy')
  })
  it('unshelving ends it at once', async () => {
    await ask({ op: 'shelve', alarm, revision: 0, until: clock.ms + 60_000 })
    const answer = await ask({ op: 'unshelve', alarm, revision: 1 })
    expect((answer as { alarm: object }).alarm).not.toHaveProperty('shelvedUntil')
  })
  it.each([-1, 0, 24 * 3_600_000 + 1, 9e15])(
    'shelving until %i ms from now is refused',
    async (ms) => {
      await expect(
        ask({ op: 'shelve', alarm, revision: 0, until: clock.ms + ms }),
      ).rejects.toMatchObject({ code: 'RANGE_INVALID' })
    },
  )
  it.each(['ack', 'note', 'shelve', 'unshelve'])('a viewer may not %s', async (op) => {
    const message = { op, alarm, revision: 0, text: 'x', until: clock.ms + 1 } as never
    await expect(ask(message, connectionOf({ roles: ['viewer'] }))).rejects.toMatchObject({
      code: 'FORBIDDEN',
    })
  })
  it('an alarm that is not of this stack is unknown', async () => {
    for (const op of ['ack', 'history']) {
      await expect(ask({ op, alarm: 'Other-x', revision: 0 } as never)).rejects.toMatchObject({
        code: 'ALARM_UNKNOWN',
      })
    }
  })
  it('the history tells everything, newest first', async () => {
    await recordEvent(factOf({ state: 'ALARM', reason: 'threshold', since: clock.ms - 5 }), ports)
    await ask({ op: 'ack', alarm, revision: 1 })
    expect(await ask({ op: 'history', alarm })).toEqual({
      type: 'alarmHistory',
      id: 8,
      alarm,
      entries: [
        { at: clock.ms, kind: 'ack', by: 'ana', text: '' },
        { at: clock.ms - 5, kind: 'state', text: 'ALARM: threshold' },
      ],
    })
  })
})

describe('events', () => {
  it('a change of state is pushed to every watcher, whoever is gone watches no more', async () => {
    await ports.watchers.add('a=', connection.expiresAt)
    expect(await recordEvent(factOf({ state: 'ALARM', since: clock.ms }), ports)).toEqual({
      outcome: 'recorded',
      told: 1,
    })
    expect(ports.sockets.posted).toMatchObject([
      { to: 'a=', message: { alarm: { state: 'ALARM' } } },
    ])
    ports.sockets.answer = 'gone'
    await recordEvent(factOf({ state: 'OK', since: clock.ms + 1 }), ports)
    expect(await ports.watchers.all(clock.ms)).toEqual([])
  })
  it('a row that cannot be removed costs nobody else his alarm', async () => {
    const watchers = Array.from({ length: 200 }, (_, n) => `watcher-${n}=`)
    for (const id of watchers) await ports.watchers.add(id, clock.ms / 1_000 + 60)
    const told: string[] = []
    ports.sockets.post = (to) => {
      told.push(to)
      return Promise.resolve(to === 'watcher-0=' ? 'gone' : 'ok')
    }
    ports.watchers.remove = () => Promise.reject(new Error('throttled'))
    await expect(recordEvent(factOf({ state: 'ALARM', since: clock.ms }), ports)).rejects.toThrow(
      'throttled',
    )
    expect(told).toEqual(watchers)
  })
  it.each(['bump', 'watchers'] as const)(
    'a change of state that was recorded but not told (%s failed) is told when the event comes again',
    async (step) => {
      await ports.watchers.add('a=', connection.expiresAt)
      failOnce(step)
      const fact = factOf({ state: 'ALARM', since: clock.ms })
      await expect(recordEvent(fact, ports)).rejects.toThrow('on purpose')
      expect(await recordEvent(fact, ports)).toEqual({ outcome: 'repeated', told: 1 })
      expect(ports.sockets.posted).toMatchObject([
        { to: 'a=', message: { alarm: { state: 'ALARM' } } },
      ])
      expect(await ports.records.current()).toBeGreaterThan(0)
      expect(await ports.records.history(alarm, 10)).toHaveLength(1)
    },
  )
  it('an event that comes late changes nothing', async () => {
    await recordEvent(factOf({ state: 'ALARM', since: clock.ms + 10 }), ports)
    for (const since of [clock.ms + 10, clock.ms + 9]) {
      expect(await recordEvent(factOf({ state: 'OK', since }), ports)).toMatchObject({
        outcome: 'old',
      })
    }
    expect(await ports.records.find(alarm)).toMatchObject({ fact: { state: 'ALARM' } })
  })
  it('a new ALARM needs a new acknowledgement', async () => {
    await recordEvent(factOf({ state: 'ALARM', since: clock.ms + 1 }), ports)
    await ask({ op: 'ack', alarm, revision: 1 })
    await recordEvent(factOf({ state: 'OK', since: clock.ms + 2 }), ports)
    expect(await ports.records.find(alarm)).toMatchObject({ acknowledgedBy: 'ana' })
    await recordEvent(factOf({ state: 'ALARM', since: clock.ms + 3 }), ports)
    expect(await ports.records.find(alarm)).not.toHaveProperty('acknowledgedBy')
  })
  it('is read from the documented detail', () => {
    expect(
      readAlarmEvent({
        alarmName: alarm,
        configuration: { description: 'P1 | x', metrics: [] },
        previousState: { value: 'OK' },
        state: { value: 'ALARM', reason: 'because', timestamp: '2026-01-01T00:00:01.500+0000' },
      }),
    ).toEqual({
      alarm,
      description: 'P1 | x',
      state: 'ALARM',
      reason: 'because',
      since: Date.UTC(2026, 0, 1, 0, 0, 1, 500),
    })
  })
  it.each([
    null,
    {},
    { alarmName: alarm, state: { value: 'BAD', timestamp: '2026-01-01' } },
    {
      alarmName: alarm,
      state: { value: 'OK', timestamp: 'yesterday' },
    },
  ])('%j is no such event', (detail) => {
    expect(readAlarmEvent(detail)).toBeUndefined()
  })
})
