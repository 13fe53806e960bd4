import { describe, expect, it } from 'vitest'
import { compileSelection } from './selection.ts'

describe('compileSelection', () => {
  it.each([
    ['W1', '$request.body.action', { action: 'join' }, 'join'],
    ['W1', '${request.body.action}', { action: 'join' }, 'join'],
    [
      'W2',
      '${request.body.service}/${request.body.action}',
      { service: 'chat', action: 'join' },
      'chat/join',
    ],
    ['W3', '${request.body.action}-${request.body.invalidPath}', { action: 'join' }, 'join-'],
    ['W4', 'action', { action: 'x' }, 'action'],
    ['W4', '\\$default', { action: 'x' }, '$default'],
    ['W5', '$request.body.items', { items: ['item1', 'item2'] }, '[item1, item2]'],
    ['W5', '$request.body.a.b', { a: { b: 'deep' } }, 'deep'],
    ['W5', "$request.body.a['b c'][1]", { a: { 'b c': ['x', 'y'] } }, 'y'],
    ['W5', '$request.body.n', { n: 7 }, '7'],
    ['W5', '$request.body.flag', { flag: false }, 'false'],
    [
      'W6',
      '$request.body.action',
      { action: '${request.body.other}', other: 'x' },
      '${request.body.other}',
    ],
    ['W9', '$request.body.action', null, ''],
    ['W9', '$request.body.action', [1], ''],
    ['W9', '$request.body.action', 'text', ''],
    ['W9', '$request.body.action', { action: null }, ''],
  ])('%s: %s on %j gives %j', (_, expression, body, key) => {
    expect(compileSelection(expression)(JSON.stringify(body))).toBe(key)
  })

  it('W9: a body that is no JSON gives the empty string', () => {
    expect(compileSelection('$request.body.action')('{"action":')).toBe('')
  })

  it('does not find what a body inherits', () => {
    expect(compileSelection('$request.body.constructor.name')('{}')).toBe('')
  })

  it('refuses variables that are not of the body', () => {
    expect(() => compileSelection('$request.header.action')).toThrow(TypeError)
  })
})
