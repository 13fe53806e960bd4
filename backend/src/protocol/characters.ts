import * as v from 'valibot'

/** How many characters a text has, as people count them: code points, so that an emoji is one and not two UTF-16 units. */
export function countCharacters(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

/** A text of at most so many {@link countCharacters characters}. */
export function atMostCharacters(most: number) {
  return v.rawCheck<string>(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.value.length <= most) return
    const count = countCharacters(dataset.value)
    if (count <= most) return
    addIssue({
      label: 'length',
      expected: `at most ${most} characters`,
      received: `${count} characters long`,
    })
  })
}
