// Preloaded into the demo fleet's process: it ends when the process that started it is gone, even when that one was killed.
process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM')
})
// Listening must not keep the fleet alive when it has ended by itself.
process.channel?.unref()
