import { expect, it } from 'vitest'
import { Answers } from './answers.ts'

it('answers leave one after the other, and what the link lost goes again, in order', async () => {
  const sent: string[] = []
  let isUp = false
  const answers = new Answers((topic, payload) => {
    if (isUp) sent.push(`${topic} ${payload}`)
    return Promise.resolve(isUp)
  })
  answers.add('a', { state: 'acked' })
  answers.add('a', { state: 'done' })
  await answers.flush()
  expect(sent).toEqual([])
  isUp = true
  await answers.flush()
  expect(sent).toEqual(['a {"state":"acked"}', 'a {"state":"done"}'])
  await answers.flush()
  expect(sent).toHaveLength(2)
})

it('no second one is sent before the first is acknowledged', async () => {
  const sent: string[] = []
  const acknowledge: ((isAcknowledged: boolean) => void)[] = []
  const answers = new Answers((_, payload) => {
    sent.push(payload)
    return new Promise((resolve) => acknowledge.push(resolve))
  })
  answers.add('a', { n: 1 })
  answers.add('a', { n: 2 })
  expect(sent).toEqual(['{"n":1}'])
  acknowledge[0]?.(true)
  await Promise.resolve()
  await Promise.resolve()
  expect(sent).toEqual(['{"n":1}', '{"n":2}'])
})
