import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jwksResponse } from '../../backend/src/adapters/token-fixtures.ts'
import { makeTokenWorld, type TokenWorld } from '../../backend/src/adapters/token-rows.ts'
import type { Template } from './template-edit.ts'

const AUDIENCE = 'client-1'

/** An issuer of the test's own: it has the private keys, and sees who asks it for what. */
export interface OwnIssuer {
  readonly world: TokenWorld
  /** Paths that were asked for, in order. */
  readonly asked: readonly string[]
  /** The template with this issuer in the place of the user pool. */
  readonly edit: (template: Template) => Template
  close(): Promise<void>
}

/** Starts it on a free port of this machine. */
export async function startIssuer(): Promise<OwnIssuer> {
  const asked: string[] = []
  let keySet = ''
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end(keySet)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const now = Math.floor(Date.now() / 1_000)
  const world = await makeTokenWorld({ issuer, audience: AUDIENCE, now })
  keySet = await jwksResponse(world.rsa.publicJwk, world.ec.publicJwk).text()
  const variables = { ISSUER: issuer, AUDIENCE, JWKS_URI: `${issuer}/keys` }
  return {
    world,
    asked,
    edit: (template) => withVariables(template, variables),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

/** Every function that knows an issuer knows this one. */
function withVariables(template: Template, variables: Record<string, string>): Template {
  const Resources = { ...template.Resources }
  for (const [logicalId, resource] of Object.entries(Resources)) {
    const environment = resource.Properties?.['Environment'] as
      | { readonly Variables?: Record<string, unknown> }
      | undefined
    if (environment?.Variables?.['ISSUER'] === undefined) continue
    const Environment = { Variables: { ...environment.Variables, ...variables } }
    Resources[logicalId] = { ...resource, Properties: { ...resource.Properties, Environment } }
  }
  return { ...template, Resources }
}
