import { flushPromises } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import { fixedSession, type Session } from '../session/session.ts'
import { alarms, fleet, open, welcome, withPages } from './open-page.ts'

withPages()

describe('sign-in', () => {
  it('names the issuer and the way out when it does not answer', async () => {
    const session: Session = {
      ...fixedSession('t'),
      isSignedIn: () => Promise.resolve(false),
      signIn: () => Promise.reject(new TypeError('Failed to fetch')),
    }
    const { page } = await open('/sign-in', [welcome(['viewer']), fleet, alarms], { session })
    await page.get('[data-testid="sign-in"]').trigger('click')
    await flushPromises()
    expect(page.get('[role="alert"]').text()).toContain('http://issuer does not answer')
  })
})
