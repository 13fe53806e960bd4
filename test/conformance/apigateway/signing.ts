import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'

/** What AWS's signer asks of a hash. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }
  reset(): void {
    throw new TypeError('not used')
  }
}

type SignerOptions = ConstructorParameters<typeof SignatureV4>[0]

/** AWS's own signer, for requests that no SDK makes. */
export function signerOf(
  options: Pick<SignerOptions, 'credentials' | 'region'> & { readonly service?: string },
): SignatureV4 {
  return new SignatureV4({ service: 'execute-api', ...options, sha256: Sha256 })
}
