import type { Express } from 'express';
import type { Database } from '../db/database.ts';
import { longDate } from '../formats.ts';
import { isText } from '../input.ts';
import { asyncRoute } from '../middleware/async-route.ts';
import { loggedIn, requireLogin } from '../middleware/current-user.ts';
import { errorPage } from '../middleware/errors.ts';
import { redirectTo } from '../middleware/locations.ts';
import { addComment, findPost, listComments, listPosts, type PostWithAuthor } from '../models/posts.ts';

const MAX_COMMENT = 2_000;

export function blogRoutes(app: Express, db: Database): void {
  app.get(
    '/blog',
    asyncRoute(async (_req, res) => {
      res.render('blog', { posts: await listPosts(db), longDate });
    }),
  );

  app.get(
    '/blog/:slug',
    asyncRoute(async (req, res) => {
      const post = await postBySlug(db, req.params.slug);
      if (post === undefined) return errorPage(res, 404);
      const comments = await listComments(db, post.id);
      res.render('post', { post, comments, query: req.query, maxComment: MAX_COMMENT, longDate });
    }),
  );

  app.post(
    '/blog/:slug/comments',
    requireLogin,
    asyncRoute(async (req, res) => {
      const post = await postBySlug(db, req.params.slug);
      if (post === undefined) return errorPage(res, 404);
      const { body } = req.body;
      const page = `/blog/${encodeURIComponent(post.slug)}`;
      if (!isText(body, MAX_COMMENT) || body.trim() === '')
        return redirectTo(req, res, `${page}?error=comment`);
      await addComment(db, post.id, loggedIn(res).id, body.trim());
      redirectTo(req, res, `${page}?saved=1`);
    }),
  );
}

async function postBySlug(db: Database, slug: unknown): Promise<PostWithAuthor | undefined> {
  return isText(slug, 200) ? findPost(db, slug) : undefined;
}
