import { accessTokenClaims } from '../core/auth/pre-token.ts'

/** A pre token generation event of version V2_0, as far as it is used; the version that may set arrays in the access token. */
interface PreTokenEvent {
  readonly request: {
    readonly userAttributes: Readonly<Record<string, string | undefined>>
    readonly groupConfiguration?: { readonly groupsToOverride?: readonly string[] | null } | null
  }
  readonly response?: unknown
}

/** Cognito pre token generation: answers with the event, its `response` filled in. */
export function handler(event: PreTokenEvent): Promise<PreTokenEvent> {
  const { groupConfiguration, userAttributes } = event.request
  const claims = accessTokenClaims({
    groups: groupConfiguration?.groupsToOverride ?? [],
    devices: userAttributes['custom:devices'],
  })
  return Promise.resolve({
    ...event,
    response: {
      claimsAndScopeOverrideDetails: { accessTokenGeneration: { claimsToAddOrOverride: claims } },
    },
  })
}
