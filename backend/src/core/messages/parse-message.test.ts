import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../protocol/index.ts'
import { checkMessage, errorMessage, openMessage, readId } from './parse-message.ts'

const answerTo = (text: string | undefined) => {
  try {
    const envelope = openMessage(text)
    return checkMessage('subscribe', envelope)
  } catch (error) {
    return error instanceof ProtocolError ? error.code : error
  }
}

describe('client messages', () => {
  it.each<[string, string | undefined, string]>([
    ['MESSAGE-1: a word', 'hello', 'MESSAGE_NOT_JSON'],
    ['MESSAGE-1: an open brace', '{', 'MESSAGE_NOT_JSON'],
    ['MESSAGE-1: an empty frame', '', 'MESSAGE_NOT_JSON'],
    ['MESSAGE-1: no body', undefined, 'MESSAGE_NOT_JSON'],
    ['MESSAGE-3: a list', '[]', 'MESSAGE_NOT_OBJECT'],
    ['MESSAGE-3: a number', '7', 'MESSAGE_NOT_OBJECT'],
    ['MESSAGE-3: null', 'null', 'MESSAGE_NOT_OBJECT'],
    ['MESSAGE-4: no action', '{"id":1}', 'UNKNOWN_ACTION'],
    ['MESSAGE-4: a number as action', '{"action":1}', 'UNKNOWN_ACTION'],
    ['MESSAGE-4: __proto__', '{"action":"__proto__"}', 'UNKNOWN_ACTION'],
    ['MESSAGE-4: $connect', '{"action":"$connect"}', 'UNKNOWN_ACTION'],
    ['MESSAGE-4: an action of 1 KB', `{"action":"${'x'.repeat(1_024)}"}`, 'UNKNOWN_ACTION'],
    ['MESSAGE-8: no subscriptions', '{"action":"subscribe","id":1}', 'MESSAGE_INVALID'],
    ['MESSAGE-8: a text', '{"action":"subscribe","id":1,"subscriptions":"x"}', 'MESSAGE_INVALID'],
    [
      'MESSAGE-8: an empty list',
      '{"action":"subscribe","id":1,"subscriptions":[]}',
      'MESSAGE_INVALID',
    ],
    [
      'MESSAGE-8: 51 subscriptions',
      JSON.stringify({ action: 'subscribe', id: 1, subscriptions: Array(51).fill(1) }),
      'MESSAGE_INVALID',
    ],
    ['MESSAGE-17: no id', '{"action":"subscribe","subscriptions":[1]}', 'MESSAGE_INVALID'],
    ['MESSAGE-20: 16,385 bytes', `{"action":"ping"}${' '.repeat(16_368)}`, 'MESSAGE_INVALID'],
    ['16,385 bytes of few characters', `"${'ü'.repeat(8_192)}"`, 'MESSAGE_INVALID'],
    ['MESSAGE-25: 16 KB of brackets', '['.repeat(16_000), 'MESSAGE_TOO_DEEP'],
  ])('refuses %s', (_name, text, code) => {
    expect(answerTo(text)).toBe(code)
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['MESSAGE-18: a history of "plant-1/+"', { topic: 'plant-1/+', from: 0 }, 'TOPIC_INVALID'],
    ['MESSAGE-18: from −1', { topic: 'plant-1/pump-7', from: -1 }, 'RANGE_INVALID'],
    ['MESSAGE-18: to NaN', { topic: 'plant-1/pump-7', from: 0, to: null }, 'RANGE_INVALID'],
    ['MESSAGE-18: limit 0', { topic: 'plant-1/pump-7', from: 0, limit: 0 }, 'LIMIT_RANGE'],
    ['MESSAGE-18: limit 1e9', { topic: 'plant-1/pump-7', from: 0, limit: 1e9 }, 'LIMIT_RANGE'],
    [
      'MESSAGE-18: a cursor of more than 8 KB',
      { topic: 'a/b', from: 0, cursor: 'x'.repeat(8_193) },
      'CURSOR_INVALID',
    ],
    ['HANDSHAKE-18: since "x"', { topic: 'plant-1/pump-7', since: 'x' }, 'POSITION_INVALID'],
    ['a filter of nothing', { topic: 'a/b', from: 0, where: {} }, 'FILTER_INVALID'],
    ['a metric of nothing', { topic: 'a/b', from: 0, metrics: [''] }, 'MESSAGE_INVALID'],
  ])('refuses %s by the code of the member', (_name, members, code) => {
    const envelope = openMessage(JSON.stringify({ action: 'history', id: 1, ...members }))
    expect(() => checkMessage('history', envelope)).toThrow(expect.objectContaining({ code }))
  })

  it.each([
    [{ limit: 0 }, '"limit" is 0; it must be >=1.'],
    [{ topic: 'x' }, '"topic" is "x", which is not accepted: a device topic is {site}/{device}.'],
    [{ id: undefined }, '"id" is missing; add it.'],
    [{ metrics: [] }, '"metrics" has a length of 0; it must be >=1.'],
    [{ from: 'now' }, '"from" is "now"; it must be number.'],
    [{ cursor: 'x'.repeat(8_193) }, '"cursor" has a length of 8193; it must be <=8192.'],
  ])('says what is wrong with %j', (members, sentence) => {
    const message = { action: 'history', id: 1, topic: 'a/b', from: 0, ...members }
    expect(() => checkMessage('history', openMessage(JSON.stringify(message)))).toThrow(sentence)
  })

  it('counts the characters of a text as people do: an emoji is one', () => {
    const note = (text: string) => () =>
      checkMessage(
        'sendMessage',
        openMessage(JSON.stringify({ action: 'sendMessage', id: 1, topic: 'a/b', text })),
      )
    expect(note('\u{1f525}'.repeat(280))).not.toThrow()
    expect(note('\u{1f525}'.repeat(281))).toThrow(
      '"text" is 281 characters long; it must be at most 280 characters.',
    )
  })

  it('cuts and escapes what it quotes', () => {
    const topic = '\u001b[31m\n\u2028\u202e'.repeat(200)
    const envelope = openMessage(JSON.stringify({ action: 'history', id: 1, topic, from: 0 }))
    expect(() => checkMessage('history', envelope)).toThrow(/^"topic" is "[ -~]{1,900}…, which/)
  })

  it('MESSAGE-23: ignores members that it does not know', () => {
    const text =
      '{"action":"subscribe","id":1,"subscriptions":[{}],"connectionId":"x","__proto__":1}'
    expect(answerTo(text)).toEqual({ action: 'subscribe', id: 1, subscriptions: [{}] })
  })

  it.each([
    ['a number', 7, 7],
    ['a short text', 'a', 'a'],
    ['a text of 65 characters', 'a'.repeat(65), undefined],
    ['an object', {}, undefined],
  ])('MESSAGE-17: echoes an id that is %s only if it is small', (_name, id, echoed) => {
    expect(readId(JSON.stringify({ action: 'ping', id }))).toBe(echoed)
  })
  it.each([
    ['an unknown action', '{"action":"dance","id":7}', 7],
    ['a message that is too large', `{"id":7,"text":"${'x'.repeat(20_000)}"}`, 7],
    ['a message that is too deep', `{"id":7,"deep":${'['.repeat(20)}${']'.repeat(20)}}`, 7],
    ['a list', '[{"id":7}]', undefined],
    ['null', 'null', undefined],
    ['text that is not JSON', '{"id":7', undefined],
    ['no frame', undefined, undefined],
    ['100 KB of brackets', '['.repeat(102_400), undefined],
  ])('MESSAGE-17: reads the id of %s if it has one', (_name, text, id) => {
    expect(readId(text)).toBe(id)
  })

  it('tells a client nothing about a failure of ours', () => {
    const answer = errorMessage(new Error('table secret-name is gone'), 3)
    expect(answer).toMatchObject({ type: 'error', id: 3, code: 'INTERNAL', retry: 'backoff' })
    expect(JSON.stringify(answer)).not.toContain('secret')
  })

  it('MESSAGE-4: shows a strange action cut and escaped', () => {
    try {
      openMessage(JSON.stringify({ action: `\u001b[31m${'x'.repeat(200)}` }))
    } catch (error) {
      const { message } = error as Error
      expect(message).not.toContain('\u001b')
      expect(message).not.toContain('x'.repeat(70))
    }
    expect.assertions(2)
  })
})
