import { onScopeDispose } from 'vue'
import { type KeyAction, keyBindings } from '../keyboard.ts'

const SEQUENCE_MS = 900

type Handlers = Partial<Record<KeyAction, () => unknown>>

/** An open menu, dialog or list of choices: its keys are its own, Escape above all, and none of them means the page below. */
const OPEN_LAYER = '[data-dismissable-layer]:is([role=menu], [role=dialog], [role=listbox])'

/**
 * Runs a handler when its keys are pressed, from keyboard.ts. Typing in a field is left alone, except for mod keys and Escape, which leaves the field; so is all that is
 * pressed while a menu or a dialog is open.
 */
export function useKeys(handlers: Handlers): void {
  let pressed: string[] = []
  let lastAt = 0

  function onKey(event: KeyboardEvent): void {
    const modified = event.ctrlKey || event.metaKey
    if (event.altKey || event.defaultPrevented) return
    if (document.querySelector(OPEN_LAYER)) return
    if (isTyping(event.target) && !modified) {
      // Leaves the field, with what is typed in it; a page is left by the next one.
      const isLeft = event.key === 'Escape' && !isSearch(event.target)
      if (isLeft) event.target.blur()
      if (isLeft || event.key !== 'Escape') return
    }
    if (isControl(event.target) && (event.key === ' ' || event.key === 'Enter')) return
    const key = modified ? `mod+${event.key.toLowerCase()}` : event.key
    pressed = event.timeStamp - lastAt > SEQUENCE_MS ? [key] : [...pressed, key].slice(-2)
    lastAt = event.timeStamp
    const action = matched(pressed)
    const handler = action && handlers[action]
    if (!handler) return
    event.preventDefault()
    if (pressed.length > 1) pressed = []
    handler()
  }

  window.addEventListener('keydown', onKey)
  onScopeDispose(() => window.removeEventListener('keydown', onKey))
}

/** Two keys win over one: `g a` goes to the alarms and acknowledges nothing. */
function matched(pressed: readonly string[]): KeyAction | undefined {
  const both = pressed.join(' ')
  const pair = keyBindings.find(({ keys }) => keys.length === 2 && keys.join(' ') === both)
  if (pair) return pair.action
  const last = pressed.at(-1)
  return keyBindings.find(({ keys }) => keys.length === 1 && keys[0] === last)?.action
}

/** What a search field holds is gone as easily as it was typed: there Escape is the page's. */
function isSearch(target: HTMLElement): boolean {
  return target.matches('[type=search]')
}

function isTyping(target: EventTarget | null): target is HTMLElement {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [role=combobox]')
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('button, a, summary')
}
