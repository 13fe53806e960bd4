import { isDeviceTopic, type Note, topicMatches } from '@gaugeline/backend/protocol'

/** The notes that have come, each once. */
export class NoteBook {
  readonly #notes = new Map<string, Note>()

  keep(notes: readonly Note[]): void {
    for (const note of notes) this.#notes.set(note.noteId, note)
  }

  /** Those about a device, the newest first. */
  about(topic: string): Note[] {
    return [...this.#notes.values()]
      .filter((note) => isDeviceTopic(topic) && topicMatches(note.topic, topic))
      .sort((a, b) => b.at - a.at)
  }
}
