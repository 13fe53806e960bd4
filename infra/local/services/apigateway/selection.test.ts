import { describe, expect, it } from 'vitest'
import { compileSelection } from './selection.ts'

describe('compileSelection', () => {
  it.each([
    ['APIGW-1', '$request.body.action', { action: 'join' }, 'join'],
    ['APIGW-1', '${request.body.action}', { action: 'join' }, 'join'],
    [
      'APIGW-2',
      '${request.body.service}/${request.body.action}',
      { service: 'chat', action: 'join' },
      'chat/join',
    ],
    ['APIGW-3', '${request.body.action}-${request.body.invalidPath}', { action: 'join' }, 'join-'],
    ['APIGW-4', 'action', { action: 'x' }, 'action'],
    ['APIGW-4', '\\$default', { action: 'x' }, '$default'],
    ['APIGW-5', '$request.body.items', { items: ['item1', 'item2'] }, '[item1, item2]'],
    ['APIGW-5', '$request.body.a.b', { a: { b: 'deep' } }, 'deep'],
    ['APIGW-5', "$request.body.a['b c'][1]", { a: { 'b c': ['x', 'y'] } }, 'y'],
    ['APIGW-5', '$request.body.n', { n: 7 }, '7'],
    ['APIGW-5', '$request.body.flag', { flag: false }, 'false'],
    [
      'APIGW-6',
      '$request.body.action',
      { action: '${request.body.other}', other: 'x' },
      '${request.body.other}',
    ],
    ['APIGW-9', '$request.body.action', null, ''],
    ['APIGW-9', '$request.body.action', [1], ''],
    ['APIGW-9', '$request.body.action', 'text', ''],
    ['APIGW-9', '$request.body.action', { action: null }, ''],
  ])('%s: %s on %j gives %j', (_, expression, body, key) => {
    expect(compileSelection(expression)(JSON.stringify(body))).toBe(key)
  })

  it('APIGW-9: a body that is no JSON gives the empty string', () => {
    expect(compileSelection('$request.body.action')('{"action":')).toBe('')
  })

  it('does not find what a body inherits', () => {
    expect(compileSelection('$request.body.constructor.name')('{}')).toBe('')
  })

  it('refuses variables that are not of the body', () => {
    expect(() => compileSelection('$request.header.action')).toThrow(TypeError)
  })
})
