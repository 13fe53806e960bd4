import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import { errorPage, signInPage } from './pages.ts'
import { answer, readBody } from './requests.ts'
import { DEMO_PASSWORD, type DemoUser, demoUsers } from './users.ts'

/** The sign-in page (`GET /sign-in/{uid}`) and its forms (`POST`): who signs in goes back to where the dashboard sent them from. */
export async function handleSignIn(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const uid = await interactionOf(provider, request, response)
  if (uid === undefined) {
    const body = errorPage('This sign-in has ended or was started in another browser.')
    answer(response, { status: 400, type: 'html', body })
    return
  }
  if (request.method !== 'POST') {
    answer(response, { type: 'html', body: signInPage({ uid, users: demoUsers }) })
    return
  }
  const form = new URLSearchParams((await readBody(request)) ?? '')
  const username = form.get('username') ?? ''
  const user = authenticate(username, form.get('password') ?? '')
  if (user) {
    await provider.interactionFinished(request, response, { login: { accountId: user.username } })
    return
  }
  answer(response, {
    status: 401,
    type: 'html',
    body: signInPage({ uid, users: demoUsers, refused: { username: username.slice(0, 64) } }),
  })
}

/** The interaction's id, when this browser started it (its cookie says so). */
async function interactionOf(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<string | undefined> {
  try {
    return (await provider.interactionDetails(request, response)).uid
  } catch {
    // The library throws for a missing cookie and for an ended interaction alike.
    return undefined
  }
}

function authenticate(username: string, password: string): DemoUser | undefined {
  const given = Buffer.from(password)
  const wanted = Buffer.from(DEMO_PASSWORD)
  const right = given.byteLength === wanted.byteLength && timingSafeEqual(given, wanted)
  return right
    ? demoUsers.find((user) => user.username === username.trim().toLowerCase())
    : undefined
}
