import { readFileSync } from 'node:fs'
import { DEMO_PASSWORD, type DemoUser } from './users.ts'

/** The pages' style sheet, served at `/local/pages.css`. */
export const styleSheet = readFileSync(new URL('./pages.css', import.meta.url), 'utf8')

/** Submits the sign-out form, served at `/local/sign-out.js`; without it the page has a button. */
export const signOutScript =
  "document.forms['op.logoutForm'].requestSubmit(document.querySelector('button[name=logout]'))\n"

/** Text made safe for HTML content and attributes. */
function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function page(title: string, content: string, script = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)} · Gaugeline</title>
<link rel="stylesheet" href="/local/pages.css">
</head>
<body>
<main>
<p class="brand"><svg viewBox="0 0 32 32" aria-hidden="true"><path class="arc" d="M4 22a12 12 0 0 1 24 0"/><path d="M4 22h6l2.8-7 4.6 11 3.2-8.4L22.4 22H28"/></svg>Gaugeline</p>
${content}
</main>
${script}
</body>
</html>
`
}

export interface SignInPage {
  readonly uid: string
  readonly users: readonly DemoUser[]
  /** A refused attempt: what to tell, and the name to keep in the form. */
  readonly refused?: { readonly username: string }
}

/** Demo users as one-click cards, and a plain form. */
export function signInPage({ uid, users, refused }: SignInPage): string {
  const action = `/sign-in/${encodeURIComponent(uid)}`
  return page(
    'Sign in',
    `<h1>Sign in</h1>
<p class="lead">This is the sign-in of a demo on your own machine. Choose who you want to be.</p>
<ul class="people">${users.map((user) => card(action, user)).join('')}</ul>
<details${refused ? ' open' : ''}>
<summary>Use a name and a password</summary>
${refused ? `<p class="refused" role="alert">No user “${escape(refused.username)}” with this password. The demo users are ${users.map(({ username }) => username).join(', ')}; the password is ${DEMO_PASSWORD}.</p>` : ''}
<form method="post" action="${action}">
<label>User name<input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required value="${escape(refused?.username ?? '')}"></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<button class="primary">Sign in</button>
</form>
<p class="hint">Everybody’s password is <code>${DEMO_PASSWORD}</code>: it protects nothing here. In AWS this page is Amazon Cognito’s.</p>
</details>`,
  )
}

function card(action: string, user: DemoUser): string {
  const { username, name, summary, groups, devices } = user
  const initials = name
    .split(' ')
    .map((word) => word.charAt(0))
    .join('')
  return `<li><form method="post" action="${action}">
<input type="hidden" name="username" value="${escape(username)}"><input type="hidden" name="password" value="${DEMO_PASSWORD}">
<button class="person" data-testid="sign-in-${escape(username)}">
<span class="initials" aria-hidden="true">${escape(initials)}</span>
<span class="who"><strong>${escape(name)}</strong><span>${escape(summary)}</span></span>
<span class="tags"><span>${escape(groups.join(', '))}</span><code>${escape(devices.join(' '))}</code></span>
</button></form></li>`
}

/** `form`: the OIDC library's own form with its token against forgery; it is sent by the script or by the button. */
export function signOutPage(form: string): string {
  return page(
    'Sign out',
    `<h1>Signing out</h1>
${form}
<p class="lead">If nothing happens:</p>
<button class="primary" form="op.logoutForm" name="logout" value="yes">Sign out</button>`,
    '<script src="/local/sign-out.js"></script>',
  )
}

export function signedOutPage(): string {
  return page('Signed out', '<h1>Signed out</h1><p class="lead">You can close this page.</p>')
}

/** `reason`: from the OIDC library, for instance an unknown redirect address. */
export function errorPage(reason: string): string {
  return page(
    'Not signed in',
    `<h1>That did not work</h1><p class="lead">${escape(reason)}</p><p class="hint">Open the dashboard again to start a new sign-in.</p>`,
  )
}
