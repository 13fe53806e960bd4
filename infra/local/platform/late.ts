/** A port whose service is made later, for services that need each other. */
export interface Late<T extends object> {
  /** Usable at once as a reference; calling it before {@link Late.become} is a TypeError. */
  readonly port: T
  become(value: T): void
}

/** `name` is for the error of a call that comes too early. */
export function late<T extends object>(name: string): Late<T> {
  let target: T | undefined
  return {
    port: new Proxy({} as T, {
      get(_, key) {
        if (target) return Reflect.get(target, key) as unknown
        throw new TypeError(`${name} is used before it is made`)
      },
    }),
    become(value) {
      target = value
    },
  }
}
