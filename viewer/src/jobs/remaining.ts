/** How long a job will still take, judged by how fast it went so far. */

const LEAST_PROGRESS = 0.08
const LEAST_MS = 1500

export class Remaining {
  private first: { at: number; progress: number } | null = null
  private endsAt: number | null = null

  /** Note the progress (0-1) of the present attempt. */
  note(progress: number, now = performance.now()): void {
    if (!this.first || progress < this.first.progress) {
      this.first = { at: now, progress }
      this.endsAt = null
    }
    const moved = progress - this.first.progress
    const passed = now - this.first.at
    if (moved < LEAST_PROGRESS || passed < LEAST_MS) return
    const guess = now + (passed / moved) * (1 - progress)
    this.endsAt = this.endsAt === null ? guess : (this.endsAt + guess) / 2
  }

  /** Seconds; null while there is nothing to judge by, and once it takes longer than was thought. */
  seconds(now = performance.now()): number | null {
    return this.endsAt === null || this.endsAt <= now ? null : (this.endsAt - now) / 1000
  }
}
