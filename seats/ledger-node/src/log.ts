/** One JSON object per line, with the members that the other services' lines have. */

type Level = "info" | "warning" | "error";

export function log(level: Level, event: string, more: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ timestamp: new Date().toISOString(), level, service: "ledger", event, ...more })}\n`);
}
