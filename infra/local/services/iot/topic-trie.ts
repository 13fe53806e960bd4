interface TrieNode<T> {
  readonly children: Map<string, TrieNode<T>>
  readonly values: Set<T>
}

/** Topic filters with values, matched level by level: the cost is the topic's depth, not the number of filters. */
export interface TopicTrie<T> {
  add(filter: string, value: T): void
  remove(filter: string, value: T): void
  /** Values of every filter that matches as IoT Core reads filters (IOT-10, IOT-17). */
  match(topic: string): readonly T[]
}

export function topicTrie<T>(): TopicTrie<T> {
  const root = newNode<T>()
  return {
    add(filter, value) {
      let node = root
      for (const level of filter.split('/')) {
        let child = node.children.get(level)
        if (!child) node.children.set(level, (child = newNode<T>()))
        node = child
      }
      node.values.add(value)
    },
    remove(filter, value) {
      removeFrom(root, filter.split('/'), value)
    },
    match(topic) {
      const found: T[] = []
      collect(root, topic.split('/'), 0, found)
      return found
    },
  }
}

function newNode<T>(): TrieNode<T> {
  return { children: new Map(), values: new Set() }
}

function removeFrom<T>(node: TrieNode<T>, levels: readonly string[], value: T): void {
  const [level, ...rest] = levels
  if (level === undefined) {
    node.values.delete(value)
    return
  }
  const child = node.children.get(level)
  if (!child) return
  removeFrom(child, rest, value)
  if (child.values.size === 0 && child.children.size === 0) node.children.delete(level)
}

function collect<T>(node: TrieNode<T>, levels: readonly string[], depth: number, found: T[]): void {
  const level = levels[depth]
  if (level === undefined) {
    for (const value of node.values) found.push(value)
    return
  }
  const exact = node.children.get(level)
  if (exact) collect(exact, levels, depth + 1, found)
  // IOT-17: wildcards at the first level do not match `$` topics.
  if (depth === 0 && level.startsWith('$')) return
  const one = node.children.get('+')
  if (one) collect(one, levels, depth + 1, found)
  // IOT-10: `#` stands for at least one level, so it is looked up only where one is left.
  const rest = node.children.get('#')
  if (rest) for (const value of rest.values) found.push(value)
}
