import { randomUUID } from 'node:crypto';
import { unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RequestHandler } from 'express';
import multer from 'multer';

const MAX_BYTES = 1_048_576;

const upload = multer({
  storage: multer.memoryStorage(),
  limits: { fileSize: MAX_BYTES, files: 1, fields: 10, fieldSize: 1_024, parts: 12 },
});

/** Reads the form's one picture into `req.file`; `onRefused` answers what is too large or no multipart. */
export function readPicture(field: string, onRefused: RequestHandler): RequestHandler {
  const read = upload.single(field);
  return (req, res, next) => {
    read(req, res, (error: unknown) => (error ? onRefused(req, res, next) : next()));
  };
}

/** Keeps a picture under a new name and answers that name; undefined when it is no png, jpeg or gif. */
export async function savePicture(uploadsDir: string, content: Buffer): Promise<string | undefined> {
  const extension = pictureType(content);
  if (extension === undefined) return undefined;
  const file = `${randomUUID()}.${extension}`;
  await writeFile(path.join(uploadsDir, file), content, { flag: 'wx' });
  return file;
}

export async function deletePicture(uploadsDir: string, file: string): Promise<void> {
  await unlink(path.join(uploadsDir, path.basename(file))).catch(() => undefined); // gone already is as good
}

/** By its first bytes: what a browser says about a file proves nothing. */
function pictureType(content: Buffer): 'png' | 'jpg' | 'gif' | undefined {
  const start = content.subarray(0, 8).toString('latin1');
  if (start === '\x89PNG\r\n\x1a\n') return 'png';
  if (start.startsWith('\xff\xd8\xff')) return 'jpg';
  if (start.startsWith('GIF87a') || start.startsWith('GIF89a')) return 'gif';
  return undefined;
}
