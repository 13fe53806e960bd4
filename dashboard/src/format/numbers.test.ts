import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatNumber, isSameStyle, ownDigits, resolutionOf, styleOf, unitText } from './numbers.ts'

/** Reads what a person would read. */
function parse(text: string): number {
  return Number(text.replaceAll(',', '').replaceAll('−', '-').replace('E', 'e'))
}
const shown = (values: readonly number[], unit?: string, room?: number): string[] => {
  const style = styleOf(values, unit)
  return values.map((value) => `${formatNumber(value, style, room)} ${unitText(style)}`.trim())
}

describe('a number on the screen', () => {
  it.each<[string, number[], string[]]>([
    ['as the device sends it', [21.5, 21, 20.25], ['21.50', '21.00', '20.25']],
    ['small (D09)', [0.0004, 0.0016], ['0.0004', '0.0016']],
    ['millionths (D09)', [3e-6, 5e-6], ['0.000003', '0.000005']],
    ['small and negative (D09)', [-0.0013, 0], ['−0.0013', '0.0000']],
    ['eight digits (DDB-10)', [12_345_678, 12_345_679], ['12,345,678', '12,345,679']],
    ['a frequency (DDB-10)', [867_700_000], ['867,700,000']],
    ['a latitude (DDB-10)', [52.12345, 52.12346], ['52.12345', '52.12346']],
    ['a computed double', [54.123456789012, 55.2], ['54.12', '55.20']],
    [
      'a computed double that hardly moves',
      [54.123456789012, 54.123459789012],
      ['54.1234568', '54.1234598'],
    ],
    ['a single-precision value', [Math.fround(21.4), Math.fround(0.1)], ['21.4', '0.1']],
    ['with the rounding error of a sum', [0.1 + 0.2, 0.7], ['0.3', '0.7']],
    ['minus zero', [-0], ['0']],
    ['none and the infinite', [Number.NaN, Infinity, -Infinity], ['–', '∞', '−∞']],
    ['2^53 + 2 (PAYLOAD-26)', [2 ** 53 + 2], ['9.007199254740994E15']],
    [
      'the ends of a double',
      [Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324],
      ['1.7976931348623157E308', '−1.7976931348623157E308', '5E−324'],
    ],
  ])('is readable: %s', (_name, values, texts) => {
    expect(shown(values)).toEqual(texts)
  })

  it.each<[string, number[], string, string[]]>([
    ['milliamperes', [0.0004, 0.0008], 'A', ['400 µA', '800 µA']],
    ['megawatt hours, all digits', [12_345_678], 'Wh', ['12.345678 MWh']],
    ['no prefix before a prefix', [74_888_123], 'ms', ['74,888,123 ms']],
    ['no prefix for a usual size', [999_999.5, 0.5], 'W', ['999,999.5 W', '0.5 W']],
    ['no prefix for what takes none', [1e7], '°C', ['10,000,000 °C']],
  ])('has its declared unit: %s', (_name, values, unit, texts) => {
    expect(shown(values, unit)).toEqual(texts)
  })

  it.each<[number, number, string]>([
    [1e9, 13, '1,000,000,000'],
    [1e9, 9, '1E9'],
    [1_234_567_890, 9, '1.23457E9'],
    [118.412, 6, '118.41'],
    [-Number.MAX_VALUE, 9, '−1.8E308'],
    [123.456789, 4, '1E2'],
  ])('gives way to its room: %d in %d characters', (value, room, text) => {
    expect(formatNumber(value, styleOf([value]), room)).toBe(text)
  })

  const numbers = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }),
    fc
      .tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.integer({ min: -9, max: 9 }))
      .map(([digits, power]) => Number(`${digits}e${power}`)),
  )

  it('is read back within the resolution of its metric', () => {
    fc.assert(
      fc.property(fc.array(numbers, { minLength: 1, maxLength: 20 }), (values) => {
        const style = styleOf(values)
        for (const value of values) {
          const read = parse(formatNumber(value, style))
          expect(Math.abs(read - value)).toBeLessThanOrEqual(
            Math.max(resolutionOf(style), Math.abs(value) * 1e-6),
          )
        }
      }),
    )
  })

  it('is read back as it was sent when a device sends up to nine digits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -99_999, max: 99_999 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: -9, max: 3 }),
        (digits, power) => {
          const values = digits.map((one) => Number(`${one}e${power}`))
          const style = styleOf(values)
          expect(values.map((value) => parse(formatNumber(value, style)))).toEqual(
            values.map((value) => value + 0),
          )
        },
      ),
    )
  })

  it('keeps to its room, with the right sign and size', () => {
    fc.assert(
      fc.property(numbers, fc.integer({ min: 9, max: 24 }), (value, room) => {
        const text = formatNumber(value, styleOf([value]), room)
        expect(text.length).toBeLessThanOrEqual(room)
        // Beyond the largest number only by the rounding of what is shown.
        const read = Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, parse(text)))
        expect(Math.abs(read / 2 - value / 2)).toBeLessThanOrEqual(Math.abs(value) * 0.05)
      }),
    )
  })

  it('begins a set point with the value and its own digits', () => {
    for (const value of [0.0004, 3e-6, -0.0013, 12_345_678, 0, 54.12, 1e9]) {
      expect(ownDigits(value, styleOf([value]))).toBe(value)
    }
    expect(ownDigits(54.123456789012, styleOf([54.123456789012]))).toBe(54.12)
    expect(ownDigits(Math.fround(21.4), styleOf([Math.fround(21.4)]))).toBe(21.4)
  })

  it('has one style for all numbers of a metric', () => {
    expect(isSameStyle(styleOf([1.5, 2]), styleOf([2, 7.5]))).toBe(true)
  })
})
