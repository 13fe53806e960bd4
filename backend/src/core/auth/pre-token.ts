import { parseTopicFilter, type Role } from '../../protocol/index.ts'

const ROLES: readonly Role[] = ['viewer', 'operator', 'admin']

/**
 * The claims that Cognito puts into the access token: `roles` from the user's groups, `devices` from the user attribute
 * `custom:devices` (topic filters, separated by spaces or commas). What is not a role or a filter grants nothing.
 */
export function accessTokenClaims(user: {
  readonly groups: readonly string[]
  readonly devices: string | undefined
}): { roles: Role[]; devices: string[] } {
  const filters = (user.devices ?? '').split(/[\s,]+/).filter(Boolean)
  return {
    roles: ROLES.filter((role) => user.groups.includes(role)),
    devices: [...new Set(filters.filter((filter) => parseTopicFilter(filter) !== undefined))],
  }
}
