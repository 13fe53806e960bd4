import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes longest and mostly waits, longest first; measured with `npm test`, whose last lines name the slowest. */
const longest = ['faults/campaign', 'systems/durability', 'systems/commands']

/** Vitest's order, but no long file at the end, where it would run alone; `systems` and `faults` are one queue. */
export class LongFilesFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = longest.findIndex((name) => moduleId.includes(`/test/${name}`))
      return found < 0 ? longest.length : found
    }
    return (await super.sort(specifications)).toSorted((a, b) => rank(a) - rank(b))
  }
}
