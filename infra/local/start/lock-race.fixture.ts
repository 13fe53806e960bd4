import { takeLock } from './lock-file.ts'

// One of several starters: takes the lock that a message names, and answers whether it got it.
process.on('message', (file: string) => {
  void takeLock(file).then((holder) => process.send?.(holder === undefined))
})
process.send?.('ready')
