import { describe, expect, it } from 'vitest'
import { jsonBreak } from './json-break.ts'

const json = [
  '{"a":1,"b":[true,false,null,"\\u00e9\\n\\"",-0.5e+3,0,10],"c":{}}',
  ' [ 1 , { "x" : [ ] } ] ',
  '"°C außen 😀"',
]

describe('where a text stops being JSON', () => {
  it.each<[string, number]>([
    ['hello', 0],
    ['{', 1],
    ['{"a":1}}', 7],
    ['{"a":NaN}', 5],
    ["{'a':1}", 1],
    ['{"a":1,}', 7],
    ['{"a":1/*x*/}', 6],
    ['{"a" 1}', 5],
    ['[1 2]', 3],
    ['', 0],
    ['nul', 3],
    ['nulL', 3],
    ['01', 1],
    ['1.', 2],
    ['1.e1', 2],
    ['-', 1],
    ['1e+', 3],
    ['"a\nb"', 2],
    ['"\\x"', 2],
    ['"\\u00g0"', 5],
    ['"open', 5],
  ])('%j at %i', (text, at) => {
    expect(jsonBreak(text)).toBe(at)
  })

  it('is nowhere exactly when JSON.parse takes it, whichever character is left out, doubled or changed', () => {
    const changed = json.flatMap((text) =>
      Array.from(text, (character, i) => [
        text.slice(0, i) + text.slice(i + 1),
        text.slice(0, i) + character + text.slice(i),
        `${text.slice(0, i)}"${text.slice(i + 1)}`,
        text.slice(0, i),
      ]).flat(),
    )
    for (const text of [...json, ...changed]) {
      expect([text, jsonBreak(text) === undefined]).toEqual([text, isJson(text)])
    }
  })

  it('is not before the end of what begins a JSON text', () => {
    for (const text of json) {
      for (let length = 0; length < text.trimEnd().length; length++) {
        expect(jsonBreak(text.slice(0, length))).toBe(length)
      }
    }
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
