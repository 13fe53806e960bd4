import { effectScope, type EffectScope } from 'vue'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { useKeys } from './use-keys.ts'

let scope: EffectScope
const close = vi.fn()
const fleet = vi.fn()
beforeEach(() => {
  close.mockReset()
  fleet.mockReset()
  scope = effectScope()
  scope.run(() => useKeys({ close, fleet }))
})
afterEach(() => {
  scope.stop()
  document.body.replaceChildren()
})

function press(key: string): KeyboardEvent {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })
  document.body.dispatchEvent(event)
  return event
}

it('runs the handler of a key, and of two in a row', () => {
  expect(press('Escape').defaultPrevented).toBe(true)
  expect(close).toHaveBeenCalledTimes(1)
  press('g')
  press('f')
  expect(fleet).toHaveBeenCalledTimes(1)
})

it.each(['menu', 'dialog', 'listbox'])(
  'leaves Escape to an open %s, and moves nothing below it',
  (role) => {
    document.body.innerHTML = `<div data-dismissable-layer role="${role}"></div>`
    expect(press('Escape').defaultPrevented).toBe(false)
    press('g')
    press('f')
    expect(close).not.toHaveBeenCalled()
    expect(fleet).not.toHaveBeenCalled()
  },
)

it('Escape leaves a field, and what is typed in it stays (B17)', () => {
  document.body.innerHTML = '<input value="bearing replaced">'
  const field = document.querySelector('input')!
  field.focus()
  field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))
  expect(close).not.toHaveBeenCalled()
  expect(document.activeElement).not.toBe(field)
  expect(field.value).toBe('bearing replaced')
})

it('a tooltip that happens to be open is no reason to be deaf', () => {
  document.body.innerHTML = '<div data-dismissable-layer><span role="tooltip"></span></div>'
  press('Escape')
  expect(close).toHaveBeenCalledTimes(1)
})
