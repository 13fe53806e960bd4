import { propertiesOf, type Fields } from '../../platform/fields.ts'
import type { PropertySpec, ResolvedResource } from '../../platform/types.ts'

export const headersPolicyProperties: { readonly [name: string]: PropertySpec } = {
  ResponseHeadersPolicyConfig: {
    Name: 'used',
    Comment: 'inert',
    CustomHeadersConfig: { Items: [{ Header: 'used', Value: 'used', Override: 'used' }] },
    SecurityHeadersConfig: {
      ContentSecurityPolicy: { ContentSecurityPolicy: 'used', Override: 'used' },
      ContentTypeOptions: { Override: 'used' },
      FrameOptions: { FrameOption: 'used', Override: 'used' },
      ReferrerPolicy: { ReferrerPolicy: 'used', Override: 'used' },
      StrictTransportSecurity: {
        AccessControlMaxAgeSec: 'used',
        IncludeSubdomains: 'used',
        Preload: 'used',
        Override: 'used',
      },
    },
  },
}

/** Header name → value, as CloudFront writes them. The origin sets none of them, so `Override` makes no difference. */
export function responseHeaders(resource: ResolvedResource): Readonly<Record<string, string>> {
  const config = propertiesOf(resource).nested('ResponseHeadersPolicyConfig')
  const headers: Record<string, string> = {}
  for (const item of config?.nested('CustomHeadersConfig')?.nestedList('Items') ?? [])
    headers[item.text('Header').toLowerCase()] = item.text('Value')
  const security = config?.nested('SecurityHeadersConfig')
  if (!security) return headers
  const csp = security.nested('ContentSecurityPolicy')
  if (csp) headers['content-security-policy'] = csp.text('ContentSecurityPolicy')
  if (security.has('ContentTypeOptions')) headers['x-content-type-options'] = 'nosniff'
  const frame = security.nested('FrameOptions')
  if (frame) headers['x-frame-options'] = frame.text('FrameOption')
  const referrer = security.nested('ReferrerPolicy')
  if (referrer) headers['referrer-policy'] = referrer.text('ReferrerPolicy')
  const hsts = security.nested('StrictTransportSecurity')
  if (hsts) headers['strict-transport-security'] = strictTransport(hsts)
  return headers
}

function strictTransport(hsts: Fields): string {
  return [
    `max-age=${hsts.integer('AccessControlMaxAgeSec')}`,
    ...(hsts.optionalBoolean('IncludeSubdomains') === true ? ['includeSubDomains'] : []),
    ...(hsts.optionalBoolean('Preload') === true ? ['preload'] : []),
  ].join('; ')
}
