/** What a stack says of itself: the names of its outputs (gaugeline-stack.ts) and their values. */
export type Outputs = Readonly<Record<string, string>>

export interface Deployer {
  /** Of the stack that is there; undefined when there is none. */
  outputsOf(region: string): Promise<Outputs | undefined>
  /** Deploys the stack of a region with these context values; gives its outputs. */
  deploy(region: string, context: Outputs): Promise<Outputs>
}

/**
 * One system in several regions: the first has the users, and each knows all the others. A stack that was deployed before another was known is
 * deployed once more, so a first time takes two rounds and every later one a single round.
 *
 * @throws RangeError for a stack without the outputs that the others need.
 */
export async function deployRegions(regions: readonly string[], deployer: Deployer): Promise<void> {
  const known = new Map<string, Outputs>()
  const told = new Map<string, string>()
  for (const region of regions) {
    const outputs = await deployer.outputsOf(region)
    if (outputs) known.set(region, outputs)
  }
  for (const round of [1, 2]) {
    for (const region of regions) {
      const context = contextOf(region, regions, known)
      if (told.get(region) === JSON.stringify(context)) continue
      told.set(region, JSON.stringify(context))
      known.set(region, await deployer.deploy(region, context))
    }
    if (round === 2) return
  }
}

/** What the stack of a region is told of the others, as far as they are known. */
function contextOf(
  region: string,
  regions: readonly string[],
  known: ReadonlyMap<string, Outputs>,
): Outputs {
  const find = (name = ''): Stack | undefined => {
    const outputs = known.get(name)
    return outputs && { name, outputs }
  }
  const others = regions.filter((name) => name !== region).flatMap((name) => find(name) ?? [])
  const home = region === regions[0] ? undefined : find(regions[0])
  return {
    ...(home && {
      issuer: value(home, 'Issuer'),
      clientId: value(home, 'ClientId'),
      tokenOrigin: value(home, 'TokenOrigin'),
    }),
    ...(others.length > 0 && {
      otherRegions: others.map((other) => `${other.name}=${value(other, 'WebSocket')}`).join(','),
      otherDashboards: others.map((other) => value(other, 'Dashboard')).join(','),
    }),
  }
}

interface Stack {
  /** Its region. */
  readonly name: string
  readonly outputs: Outputs
}

function value({ name, outputs }: Stack, output: string): string {
  const found = outputs[output]
  if (found !== undefined) return found
  throw new RangeError(
    `The stack in ${name} has no output ${output}: it is not of this version. Deploy it by itself first (AWS_REGION=${name} npm run deploy), then all together.`,
  )
}
