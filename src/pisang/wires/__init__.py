"""The dialects, pure: values to bytes and bytes to values, both roles of each in one file.

Owns the incremental scanner, strict JSON, SSE, multipart, and the wires `gemini`, `crawl`,
`openai_images` and `openai_chat`. May import `domain` and `errors`. Knows no socket, disk,
clock or event loop: contents are named, never carried, and sinks are handed in.
"""
