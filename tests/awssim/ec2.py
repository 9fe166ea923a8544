"""EC2: which regions the account has switched on."""
from .reply import Reply

OPS = ("DescribeRegions",)


def call(ctx):
    """The account's regions that are opted in, in order of names; those that nothing was said about are not there."""
    names = sorted(name for (account, name), place in ctx.world.regions.items() if account == ctx.account and place.opted_in)
    items = "".join(
        "<item><regionName>%s</regionName><regionEndpoint>ec2.%s.amazonaws.com</regionEndpoint>"
        "<optInStatus>opt-in-not-required</optInStatus></item>" % (name, name) for name in names)
    return Reply.xml(
        '<?xml version="1.0" encoding="UTF-8"?>\n<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        "<requestId>%s</requestId><regionInfo>%s</regionInfo></DescribeRegionsResponse>\n" % (ctx.request_id, items))
