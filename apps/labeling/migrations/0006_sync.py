from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("labeling", "0005_suggestions")]

    operations = []
